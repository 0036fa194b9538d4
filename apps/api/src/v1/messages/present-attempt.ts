import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { Attempt, AttemptChoice } from '@lettergate/contracts/messages/responses'
import { POOL_TARGET, toConnectionName } from '@lettergate/core/lib'
import type { AttemptRow, StoredChoice } from '@lettergate/core/messages'

function presentChoice({ rule, route, skipped, alone = false }: StoredChoice): AttemptChoice | null {
  if (rule === 'lost') return null
  return {
    rule,
    route: route === null ? null : toPublicId('rte', route),
    skipped: skipped.map(({ connection, why }) => ({ connection: toConnectionName(connection), why })),
    single_recipient: alone,
  }
}

function presentConnectionOf({ connection_id: id, choice }: AttemptRow): string | null {
  if (choice?.pool) return POOL_TARGET
  return id === null ? null : toConnectionName(id)
}

/** Presents an attempt. */
export function presentAttempt(attempt: AttemptRow): Attempt {
  return {
    number: attempt.number,
    connection: presentConnectionOf(attempt),
    provider: attempt.provider,
    started_at: attempt.started_at.toISOString(),
    finished_at: attempt.finished_at.toISOString(),
    outcome: attempt.outcome,
    scope: attempt.scope,
    code: attempt.code,
    help: attempt.code === null ? null : `/problems/${attempt.code}`,
    reason: attempt.reason,
    choice: attempt.choice && presentChoice(attempt.choice),
    provider_message_id: attempt.provider_message_id,
    recipients: attempt.addresses,
  }
}

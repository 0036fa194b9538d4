import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import type { Pool } from '@lettergate/db/pool'
import type { SendOutcome } from '@lettergate/providers/provider'
import { acceptMessages } from '../src/accept/index.ts'
import { beginSending, type RecipientChange, recordOutcomes } from '../src/deliver/index.ts'
import { type Claim, claimMessages, FIRST_TENANT } from '../src/dispatch/index.ts'
import { notify } from '../src/lib/index.ts'
import { ensureUsage } from '../src/usage/index.ts'

import { buildRow, buildTenant, buildUnit } from './rows.ts'

/** Statuses that a recipient can have after an attempt: each has an event of its name. */
export type TriedStatus = Exclude<RecipientStatus, 'scheduled' | 'queued' | 'sending'>

export type Backlog = {
  tenantId: string
  messageId: string
  /** Claims the message as a dispatcher does, if it is due. */
  claim(): Promise<Claim | undefined>
  /** Fences as a worker does before the first byte: false if the claim no longer holds. */
  fence(claim: Claim): Promise<boolean>
  /** Records as a worker does after the call: `statuses` by recipient; a deferred one is retried after `retryInMs`. */
  record(
    claim: Claim,
    statuses: TriedStatus[],
    retryInMs?: number,
    outcome?: SendOutcome['kind'],
  ): Promise<void>
  used(): Promise<number>
  statuses(): Promise<string[]>
  outbox(): Promise<{ state: string; attempts: number }[]>
}

/** One tenant with one accepted message, and a worker's hands on it. */
export async function buildBacklog(
  pool: Pool,
  options: { recipients?: number; dailyLimit?: number; sendAt?: Date; onPool?: boolean } = {},
): Promise<Backlog> {
  const tenantId = await buildTenant(pool, { dailyLimit: options.dailyLimit ?? 100 })
  const recipients = Array.from({ length: options.recipients ?? 1 }, (_, i) => ({
    kind: 'to' as const,
    address: `n${i}@example.net`,
    name: null,
  }))
  const row = buildRow({
    recipients,
    sendAt: options.sendAt ?? null,
    ...(options.onPool && { pool: { pool: 'must', overflow: 'reject' } }),
  })
  await ensureUsage(pool, [{ id: tenantId, mode: 'live' }])
  await acceptMessages(pool, [buildUnit(tenantId, [row])])
  const values = [tenantId, row.id]
  let attempt = 0
  return {
    tenantId,
    messageId: row.id,
    async claim() {
      const { claims } = await claimMessages(pool, {
        depth: 1_000,
        afterTenant: FIRST_TENANT,
        tenantsMax: 1_000,
        leaseMs: 60_000,
      })
      return claims.find((claim) => claim.messageId === row.id)
    },
    async fence(claim) {
      const fence = {
        messageId: row.id,
        epoch: claim.epoch,
        connectionId: null,
        provider: 'capture',
        token: 1,
      }
      const [held] = await beginSending(pool, [fence], 60_000)
      attempt = held?.attempt ?? attempt
      return held !== null
    },
    async record(claim, statuses, retryInMs, outcome = 'rejected') {
      const { rows } = await pool.query<{ usage_day: string }>({
        text: 'select usage_day from message where tenant_id = $1 and id = $2',
        values,
      })
      const changes: RecipientChange[] = statuses.map((status, position) => ({
        position,
        status,
        reason: null,
        event: `recipient.${status}`,
      }))
      const notifications = await recordOutcomes(pool, [
        {
          tenantId,
          messageId: row.id,
          epoch: claim.epoch,
          mode: 'live',
          stream: 'transactional',
          usageDay: rows[0]?.usage_day ?? '',
          attempt: {
            number: attempt,
            connectionId: null,
            provider: 'capture',
            startedAt: new Date(),
            outcome,
            scope: 'message',
            code: null,
            reason: null,
            choice: null,
            providerMessageId: null,
            positions: statuses.map((_, position) => position),
          },
          changes,
          retryInMs: retryInMs ?? null,
          giveBack: statuses.filter((status) => status === 'failed').length,
        },
      ])
      await notify(pool, notifications)
    },
    async used() {
      const { rows } = await pool.query<{ n: number }>({
        text: 'select coalesce(sum(accepted), 0)::int as n from usage where tenant_id = $1',
        values: [tenantId],
      })
      return rows[0]?.n ?? 0
    },
    async statuses() {
      const { rows } = await pool.query<{ status: string }>({
        text: 'select status from recipient where tenant_id = $1 and message_id = $2 order by position',
        values,
      })
      return rows.map((recipient) => recipient.status)
    },
    async outbox() {
      const { rows } = await pool.query<{ state: string; attempts: number }>({
        text: 'select state, attempts from outbox where tenant_id = $1 and message_id = $2',
        values,
      })
      return rows
    },
  }
}

import type { ConnectionTest } from '@lettergate/contracts/connections/responses'
import { failureHelp } from '@lettergate/contracts/problems/failure-codes'
import type { Checked } from '@lettergate/core/connections'

/** Presents a provider's report. */
export function presentCheck({ report, tookMs }: Checked, messageId: string | null): ConnectionTest {
  const { problem, limits } = report
  return {
    ok: problem === null,
    problem: problem && { ...problem, help: failureHelp(problem.code) },
    sandbox: report.sandbox ?? null,
    limits: limits
      ? {
          per_second: limits.perSecond ?? null,
          per_day: limits.perDay ?? null,
          used_today: limits.usedToday ?? null,
        }
      : null,
    identities: report.identities ?? null,
    notes: report.notes,
    took_ms: tookMs,
    message_id: messageId,
  }
}

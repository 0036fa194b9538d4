import { hash } from 'node:crypto'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { Pool } from '@lettergate/db/pool'
import type { Submit, SubmitOutcome } from '../accept/index.ts'
import { type Failpoint, repeatTurns, type Wakeable } from '../lib/index.ts'
import { noticeText } from './notice-text.ts'
import { claimNotices, type DueNotice } from './sql/claim-notices.ts'
import { endNotice } from './sql/end-notice.ts'

/**
 * `sent`: accepted as a message. `unwanted`: the tenant names no address. `too-many`: it had its number of the day. `late`: too old to be of
 * use. `failed`: it was not accepted, and is tried again.
 */
export type NoticeResult = 'sent' | 'unwanted' | 'too-many' | 'late' | 'failed'

const EVERY_MS = 5_000
const CLAIM_MAX = 20
const DAY_MAX = 20
const LATE_MS = 3 * 86_400_000

/** Why the one message was not accepted; null: it was. */
function problemOf(outcome: SubmitOutcome): Problem | null {
  if (outcome.kind === 'refused' || outcome.kind === 'unavailable') return outcome.problem
  const [first] = outcome.kind === 'none-accepted' ? outcome.problems : outcome.results
  return first instanceof Problem ? first : null
}

/**
 * Sends events of accounts by mail to the address that the tenant names, as messages of a tenant of the operator's. Safe in any number of
 * processes: each event is claimed by one, and a repeat of its message is recognised.
 */
export function createNotices(deps: {
  pool: Pool
  submit: Submit
  /** Absent: notices are taken off the list and not sent. */
  notices: Readonly<{ tenant: string; from: string }> | undefined
  failpoint: Failpoint
  onNotice: (result: NoticeResult) => void
  onError: (error: unknown) => void
}): Wakeable {
  const { pool, submit, notices } = deps
  const sender = fromPublicId('ten', notices?.tenant ?? '')

  /** `given`: notices of the tenant in the last 24 hours. */
  async function send(due: DueNotice, given: number): Promise<NoticeResult> {
    if (!notices || sender === null || due.to === null) return 'unwanted'
    if (given >= DAY_MAX) return 'too-many'
    if (Date.now() - due.at.getTime() > LATE_MS) return 'late'
    const { subject, text } = noticeText(due)
    const key = `${due.tenantId} ${due.seq}`
    const outcome = await submit({
      tenant: { id: sender, mode: 'live' },
      messages: [
        {
          from: { address: notices.from, name: 'Lettergate' },
          to: [{ address: due.to }],
          cc: [],
          bcc: [],
          replyTo: [],
          subject,
          text,
          headers: { 'Auto-Submitted': 'auto-generated' },
          attachments: [],
          tags: ['notice'],
          metadata: {},
          stream: 'transactional',
        },
      ],
      atomic: true,
      idempotency: { key, route: 'notice', bodyHash: hash('sha256', key, 'buffer') },
    })
    const problem = problemOf(outcome)
    if (problem === null) return 'sent'
    deps.onError(new Error(`a notice was not accepted: ${problem.detail}`))
    return 'failed'
  }

  async function turn(): Promise<number> {
    const claimed = await claimNotices(pool, CLAIM_MAX)
    /** By tenant. */
    const given = new Map<string, number>()
    for (const due of claimed) {
      const before = given.get(due.tenantId) ?? due.given
      const result = await send(due, before)
      deps.onNotice(result)
      await deps.failpoint('after_notice_before_record')
      if (result === 'failed') continue
      if (result === 'sent') given.set(due.tenantId, before + 1)
      await endNotice(pool, due, result === 'sent')
    }
    return claimed.length === CLAIM_MAX ? 0 : EVERY_MS
  }

  return repeatTurns(turn, { errorMs: EVERY_MS, onError: deps.onError })
}

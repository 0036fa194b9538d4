import { type RecipientStatus, recipientStatuses } from '@lettergate/contracts/messages/recipient-status'
import { canMove } from '@lettergate/contracts/test/recipient-moves'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import type { SendOutcome } from '@lettergate/providers/provider'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backlog, buildBacklog } from '../../test/backlog.ts'
import { toRecord } from '../../test/to-record.ts'
import { type LoadedMessage, loadClaimed, type OutcomeRecord, recordOutcomes } from '../deliver/index.ts'
import { type Claim, promoteDue } from '../dispatch/index.ts'
import { cancelMessage } from './cancel.ts'
import { createMessageReader } from './read.ts'
import { retryMessage } from './retry.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())

const outcomes: SendOutcome[] = [
  { kind: 'accepted', providerMessageId: 'x' },
  {
    kind: 'accepted',
    providerMessageId: 'x',
    refused: [{ address: 'n0@example.net', kind: 'deferred', code: 'recipient-deferred', reason: 'r' }],
  },
  {
    kind: 'accepted',
    providerMessageId: 'x',
    refused: [{ address: 'n1@example.net', kind: 'rejected', code: 'recipient-refused', reason: 'r' }],
  },
  { kind: 'rejected', scope: 'message', code: 'message-refused', reason: 'r' },
  { kind: 'rejected', scope: 'account', code: 'provider-credentials-refused', reason: 'r' },
  { kind: 'deferred', code: 'provider-unavailable', reason: 'r' },
  { kind: 'unknown', code: 'outcome-unknown', reason: 'r' },
]

type Step =
  | { do: 'claim' | 'fence' | 'cancel' | 'retry' | 'due' }
  | { do: 'record'; outcome: number }
  /** A record of the past once more: the same, or the provider's late yes. */
  | { do: 'again' | 'late'; which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ do: 'claim' }, { do: 'fence' }, { do: 'cancel' }, { do: 'retry' }, { do: 'due' }),
  fc.nat(outcomes.length - 1).map((outcome): Step => ({ do: 'record', outcome })),
  fc
    .tuple(fc.constantFrom('again' as const, 'late' as const), fc.nat(5))
    .map(([what, which]) => ({ do: what, which })),
)
const UNKNOWN = 6
const attempt = (outcome: number): Step[] => [
  { do: 'due' },
  { do: 'claim' },
  { do: 'fence' },
  { do: 'record', outcome },
]
/** Whole attempts between single steps, or most sequences would never get that far; and proof that comes after a retry. */
const steps = fc
  .array(
    fc.oneof(
      step.map((one) => [one]),
      fc.nat(outcomes.length - 1).map(attempt),
      fc
        .tuple(fc.array(step, { maxLength: 2 }), fc.nat(2))
        .map(([between, which]): Step[] => [
          ...attempt(UNKNOWN),
          { do: 'retry' },
          ...between,
          { do: 'late', which },
        ]),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.flat())

type Past = { message: LoadedMessage; record: OutcomeRecord }

/** One message, and whoever may have a hand on it. */
function createHands(backlog: Backlog) {
  const past: Past[] = []
  let claim: Claim | undefined
  const reader = { tenantId: backlog.tenantId, mode: 'live' as const }
  const deps = { tenants: db.tenants, messages: createMessageReader({ pool: db.pool }) }
  // A refusal to do it is an answer.
  const orRefused = (work: Promise<unknown>) => work.catch(() => undefined)

  async function record(outcome: number): Promise<void> {
    const chosen = outcomes[outcome]
    if (!claim || !chosen) return
    const [message] = await loadClaimed(db.pool, [{ ...claim }], 'sending')
    if (!message?.sending) return
    const attempt = { number: message.attempts, ...message.sending, repeatWindowMs: 0 }
    const made = toRecord(message, attempt, chosen, () => 0)
    past.push({ message, record: made })
    await recordOutcomes(db.pool, [made])
  }

  return {
    past,
    async run(one: Step): Promise<void> {
      if (one.do === 'claim') claim = (await backlog.claim()) ?? claim
      if (one.do === 'fence' && claim) await backlog.fence(claim)
      if (one.do === 'cancel') await orRefused(cancelMessage(deps, reader, backlog.messageId))
      if (one.do === 'retry') await orRefused(retryMessage(deps, reader, backlog.messageId))
      if (one.do === 'due') {
        await db.pool.query({
          text: 'update outbox set due_at = now() where message_id = $1',
          values: [backlog.messageId],
        })
        await promoteDue(db.pool, 1_000)
      }
      if (one.do === 'record') await record(one.outcome)
      if (one.do === 'again') {
        const before = past[one.which]
        if (before) await recordOutcomes(db.pool, [before.record])
      }
      if (one.do === 'late') {
        const before = past[one.which]
        const attempt = before?.record.attempt
        if (!before || !attempt) return
        const yes: SendOutcome = { kind: 'accepted', providerMessageId: 'late' }
        const { choice: _, ...context } = attempt
        await recordOutcomes(db.pool, [toRecord(before.message, { ...context, repeatWindowMs: 0 }, yes)])
      }
    },
  }
}

const spared = new Set<RecipientStatus | undefined>(['unknown', 'deferred'])

const statusOf = (text: string): RecipientStatus => {
  const status = recipientStatuses.find((one) => one === text)
  if (!status) throw new Error(`${text} is no status`)
  return status
}

test('no order of steps gives a forbidden status or a wrong quota; a repeated record changes nothing, and late proof changes only recipients that are unknown or wait for their repeat', async () => {
  const ends = new Set<string>()
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const backlog = await buildBacklog(db.pool, { recipients: 2 })
      const hands = createHands(backlog)
      let before = (await backlog.statuses()).map(statusOf)
      for (const one of given) {
        await hands.run(one)
        const after = (await backlog.statuses()).map(statusOf)
        const moves = before.flatMap((from, i) => (from === after[i] ? [] : [[from, after[i]]]))
        for (const [from, to] of moves)
          expect(from && to && canMove(from, to), `${one.do}: ${from} to ${to}`).toBe(true)
        if (one.do === 'again') expect(moves).toEqual([])
        if (one.do === 'late')
          expect(moves.filter(([from, to]) => !spared.has(from) || to !== 'sent')).toEqual([])
        const counted = after.filter((status) => status !== 'failed' && status !== 'cancelled').length
        expect([one.do, after, await backlog.used()]).toEqual([one.do, after, counted])
        before = after
      }
      for (const status of before) ends.add(status)
    }),
    { numRuns: 60 },
  )
  expect([...ends].length).toBeGreaterThan(4)
}, 60_000)

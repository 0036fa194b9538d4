import { expect, test } from 'vitest'
import { loadExamples } from '../../test/examples.ts'
import { answered } from '../../test/http-peer.ts'
import type { Provider } from '../provider.ts'
import { createProviders } from '../registry.ts'
import { toOutcome as sparkpost } from '../sparkpost/outcome.ts'
import { classOf } from './failures.ts'

const now = new Date()
const all = ['a@x.example', 'b@x.example', 'c@x.example']
const examples = await loadExamples()
const providers: Record<string, Provider> = createProviders()

/** The refusals of one kind, judged by their providers. */
function judged(kind: 'unnamed' | 'named' | 'ofAll') {
  return examples.flatMap(([id, { judge, refusesForOne }]) =>
    (refusesForOne?.[kind] ?? []).map(
      ([status, body]) => [id, body, judge(answered(status, body), now, all)] as const,
    ),
  )
}

test('every provider that answers once for all recipients has such refusals', () => {
  const without = examples.filter(
    ([id, { refusesForOne }]) => !refusesForOne && !providers[id]?.capabilities.answersEachRecipient,
  )
  expect(without.map(([id]) => `packages/providers/src/${id}/test/example.ts needs refusesForOne`)).toEqual(
    [],
  )
})

test.each(judged('unnamed'))(
  '%s refuses all because of an unnamed recipient: each recipient gets a single call: %j',
  (_id, _body, outcome) => {
    expect(outcome.kind === 'rejected' && classOf(outcome.code).mayBeOneOfMany).toBe(true)
    expect(outcome).not.toHaveProperty('refused')
  },
)

test.each(judged('named'))(
  '%s refuses all because of a named recipient: the others share a call: %j',
  (_id, _body, outcome) => {
    expect(outcome).toMatchObject({
      kind: 'rejected',
      scope: 'message',
      code: 'recipient-refused',
      refused: [{ address: 'b@x.example', kind: 'rejected', code: 'recipient-refused' }],
    })
  },
)

test.each(judged('ofAll'))(
  '%s refuses a message for its content: no recipient gets a single call: %j',
  (_id, _body, outcome) => {
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'message-refused' })
  },
)

test('sparkpost that accepted no recipient has refused each of them, and none is tried again', () => {
  const bodies = [
    { errors: [{ message: 'At least one valid recipient is required', code: '5002' }] },
    { results: { id: '1', total_accepted_recipients: 0, total_rejected_recipients: 3 } },
  ]
  for (const [index, body] of bodies.entries())
    expect(sparkpost(answered(index === 0 ? 422 : 200, body), now, all)).toMatchObject({
      kind: 'rejected',
      refused: all.map((address) => ({ address })),
    })
})

import { describe, expect, test } from 'vitest'
import { mailboxReplies } from '../../test/smtp-replies/mailboxes.ts'
import { providerReplies } from '../../test/smtp-replies/providers.ts'
import { serverReplies } from '../../test/smtp-replies/servers.ts'
import { judge } from '../direct/outcome.ts'
import { classOf, type FailureCode } from '../lib/failures.ts'
import { judgeReply, toOutcome } from './outcome.ts'

const known = [...serverReplies, ...providerReplies, ...mailboxReplies]
const cases = known.flatMap(({ phases, ...row }) => phases.map((phase) => ({ ...row, phase })))

test('the table has enough replies, each with its source, and none twice', () => {
  expect(known.length).toBeGreaterThanOrEqual(120)
  for (const { source } of known) expect(source).toMatch(/^https:\/\/[\w.-]+\//)
  const keys = cases.map(({ phase, text, source }) => `${phase} ${text} ${source}`)
  expect(new Set(keys).size).toBe(keys.length)
})

test.each(cases)('at $phase, $text means $is', ({ phase, text, is }) => {
  expect(judgeReply(phase, text)).toBe(is)
})

/** The class that `direct` uses for each class: no domain's server slows or stops the connection, and the account is never meant. */
function meansDirectly(is: FailureCode): FailureCode {
  const { outcome, connection } = classOf(is)
  if (outcome === 'deferred') return connection === 'none' ? is : 'recipient-deferred'
  if (outcome === 'rejected-account' && is !== 'provider-sender-refused') return 'sending-host-refused'
  return is
}

test.each(cases)('to direct at $phase, $text fails neither the recipient nor other domains', (row) => {
  const code = judge(row.phase, row.text)
  expect(code).toBe(meansDirectly(row.is))
  expect(classOf(code).connection).toBe('none')
})

describe('at every step', () => {
  const about = /^provider-(address|sender|permission|settings|credentials|account)/
  const aboutUs = known.filter(({ is, phases }) => about.test(is) && phases.some((step) => step !== 'open'))
  test.each(aboutUs)('no recipient is refused, and no mail lost, for: $text', ({ text }) => {
    for (const phase of ['rcpt', 'data'] as const) {
      const refused = phase === 'rcpt' ? [{ address: 'x@example.net', reply: text }] : []
      const outcome = toOutcome({ kind: 'refused', phase, reply: text, refused }, 'own')
      expect(outcome).toMatchObject(outcome.kind === 'deferred' ? {} : { kind: 'rejected', scope: 'account' })
    }
  })
})

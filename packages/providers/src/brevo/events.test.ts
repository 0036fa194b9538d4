import { expect, test } from 'vitest'
import { describeEvents, readFixtures } from '../../test/events.ts'
import { accompany, passwordsStored } from '../../test/password.ts'
import { createBrevo } from './index.ts'

const bodyOf = (payload: unknown) => Buffer.from(JSON.stringify(payload))
const { read, readFixture, readChanged } = describeEvents('brevo', {
  create: createBrevo,
  secrets: passwordsStored,
  sign: accompany('bearer'),
  wrap: bodyOf,
  wrapAll: bodyOf,
  fixtures: readFixtures('brevo'),
  coversBody: false,
})

const common = {
  messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
  // As the answer to a send has it, and as mail has it.
  providerMessageId: '<202611201000.12345678901@smtp-relay.mailin.fr>',
  mimeMessageId: '202611201000.12345678901@smtp-relay.mailin.fr',
}

test.each([
  ['request', { kind: 'sent', recipient: 'reader@example.org' }],
  ['deferred', { kind: 'deferred', enhancedStatus: '4.7.1' }],
  ['delivered', { kind: 'delivered' }],
  ['hard_bounce', { bounce: 'hard', recipient: 'gone@example.org', enhancedStatus: '5.1.1' }],
  ['soft_bounce', { bounce: 'soft' }],
  ['soft_bounce, blocked', { bounce: 'block' }],
  ['invalid_email', { bounce: 'hard' }],
  ['blocked', { kind: 'rejected', suppressed: true }],
  ['error', { kind: 'rejected', suppressed: false }],
  ['spam', { kind: 'complained' }],
  ['opened', { kind: 'opened', byMachine: false, userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['proxy_open', { kind: 'opened', byMachine: true }],
  ['click', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
  ['unsubscribed', { kind: 'unsubscribed' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...common, ...event }])
})

test.each(['unique_opened', 'list_addition'])('%s is no event of a message', (name) => {
  expect(readFixture(name)).toEqual([])
})

test('the time is that of the event in UTC, to the millisecond where Brevo gives it', () => {
  const at = (changes: object) => readChanged('delivered', changes)[0]?.at
  expect(at({ ts_epoch: 1_795_168_803_007 })).toEqual(new Date(1_795_168_803_007))
  expect(at({ ts_epoch: undefined, ts_event: 1_795_168_803 })).toEqual(new Date(1_795_168_803_000))
})

test('an id that is not ours is left out', () => {
  for (const custom of ['lg_id=msg_1', 'x', '', '&'.repeat(5_000), 7])
    expect(readChanged('delivered', { 'X-Mailin-custom': custom })).toMatchObject([{ messageId: undefined }])
})

test('an unknown event is counted', () => {
  expect(read(bodyOf({ event: 'teleported' }))).toEqual({ events: [], unread: 1 })
})

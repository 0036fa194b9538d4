import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { describeEvents, readFixtures, type Signing } from '../../test/events.ts'
import { createMailgun } from './index.ts'

const keys = ['key-of-webhooks-0', 'key-of-webhooks-1']
const token = 'a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0'

/** Mailgun’s signature is in the body, and covers a time and a token. */
function signHook(body: Buffer, { secret, at }: Signing) {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signature = createHmac('sha256', keys[secret] ?? '')
    .update(timestamp + token)
    .digest('hex')
  const url = 'https://mail.example.com/v1/hooks/mailgun/con_1/token'
  const signed = JSON.stringify({ timestamp, token, signature })
  const text = body.toString()
  return {
    url,
    headers: {},
    body: text.startsWith('{"event-data"') ? Buffer.from(`{"signature":${signed},${text.slice(1)}`) : body,
  }
}

const bodyOf = (payload: unknown) => Buffer.from(JSON.stringify(payload))
const { verify, read, readFixture } = describeEvents('mailgun', {
  create: createMailgun,
  secrets: [{ signing_key: keys[0] }, { signing_key: keys[1] }],
  sign: signHook,
  wrap: bodyOf,
  fixtures: readFixtures('mailgun'),
  ageMsMax: 9 * 3_600_000,
  coversBody: false,
})

const id = '20261120100000.1.ABCDEF@mg.example.com'
const common = { messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk', providerMessageId: id, mimeMessageId: id }

test.each([
  ['accepted', { kind: 'accepted', at: new Date(1_795_168_801_250), id: 'Evt01_hK7nQ@20777' }],
  ['delivered', { kind: 'delivered', recipient: 'reader@example.org', reason: 'OK' }],
  ['failed, temporary', { kind: 'deferred', enhancedStatus: '4.7.1' }],
  [
    'failed, bounce',
    {
      kind: 'bounced',
      bounce: 'hard',
      recipient: 'gone@example.org',
      code: 'bounce',
      enhancedStatus: '5.1.1',
    },
  ],
  ['failed, generic mailbox full', { kind: 'bounced', bounce: 'soft' }],
  ['failed, old', { kind: 'bounced', bounce: 'soft', reason: 'Too old' }],
  ['failed, espblock', { kind: 'bounced', bounce: 'block' }],
  [
    'failed, suppressed',
    { kind: 'rejected', suppressed: true, reason: 'Not delivering to previously bounced address' },
  ],
  ['failed, suppressed by code', { kind: 'rejected', suppressed: true }],
  [
    'rejected',
    { kind: 'rejected', suppressed: false, code: 'Sandbox subdomains are for test purposes only.' },
  ],
  ['opened', { kind: 'opened', byMachine: false, userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['opened by a proxy', { kind: 'opened', byMachine: true }],
  ['clicked', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
  ['complained', { kind: 'complained' }],
  ['unsubscribed', { kind: 'unsubscribed' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...common, ...event }])
})

describe('a permanent failure', () => {
  test.each([
    ['bounce', '', '', 'hard'],
    ['generic', '', '', 'soft'],
    ['generic', '5.1.1', '', 'hard'],
    ['generic', '', 'No such user here', 'hard'],
    ['bounce', '5.7.1', 'listed by Spamhaus', 'block'],
    ['generic', '4.4.1', '', 'soft'],
    ['old', '5.1.1', '', 'soft'],
    ['espblock', '5.1.1', 'user unknown', 'block'],
  ])('for %s with %s %s is %s', (reason, enhanced, message, bounce) => {
    const data = {
      event: 'failed',
      severity: 'permanent',
      reason,
      recipient: 'a@example.org',
      'delivery-status': { code: 550, message, 'enhanced-code': enhanced },
    }
    expect(read(bodyOf({ 'event-data': data })).events).toMatchObject([{ bounce }])
  })
})

test('an id that is repeated on another day is another event', () => {
  const at = (timestamp: number) =>
    read(bodyOf({ 'event-data': { event: 'delivered', id: 'x', timestamp } })).events[0]?.id
  expect(at(1_795_168_800)).not.toBe(at(1_795_268_800))
  expect(at(1_795_168_800)).toBe(at(1_795_168_801))
})

test('a stored mail is no event of a message, and an unknown event is counted', () => {
  expect(read(bodyOf({ 'event-data': { event: 'stored' } }))).toEqual({ events: [], unread: 0 })
  expect(read(bodyOf({ 'event-data': { event: 'teleported' } }))).toEqual({ events: [], unread: 1 })
})

test('a signature without its parts, or with parts of other types, is refused', async () => {
  for (const signature of [undefined, 1, {}, { timestamp: 1, token: 2, signature: 3 }, []])
    expect((await verify({ url: '', headers: {}, body: bodyOf({ signature }) }, 0)).kind).toBe('refused')
})

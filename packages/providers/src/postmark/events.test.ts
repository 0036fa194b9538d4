import { expect, test } from 'vitest'
import { describeEvents, readFixtures } from '../../test/events.ts'
import { accompany, passwordsStored } from '../../test/password.ts'
import { createPostmark } from './index.ts'

const bodyOf = (payload: unknown) => Buffer.from(JSON.stringify(payload))
const { read, readFixture, readChanged } = describeEvents('postmark', {
  create: createPostmark,
  secrets: passwordsStored,
  sign: accompany('field'),
  wrap: bodyOf,
  fixtures: readFixtures('postmark'),
  coversBody: false,
})

const common = {
  messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
  providerMessageId: '883953f4-6105-42a2-a16a-77a8eac79483',
}

test.each([
  ['Delivery', { kind: 'delivered', at: new Date('2026-11-20T10:00:06Z'), recipient: 'reader@example.org' }],
  ['Bounce Transient', { kind: 'deferred', enhancedStatus: '4.7.1' }],
  [
    'Bounce HardBounce',
    {
      bounce: 'hard',
      recipient: 'gone@example.org',
      code: 'HardBounce',
      at: new Date('2026-11-20T10:00:07Z'),
    },
  ],
  ['Bounce BadEmailAddress', { bounce: 'hard', reason: 'Invalid email address: as Postmark describes it' }],
  ['Bounce SoftBounce', { bounce: 'soft' }],
  ['Bounce Unknown', { bounce: 'soft' }],
  ['Bounce Blocked', { bounce: 'block' }],
  ['Bounce SpamNotification', { bounce: 'block' }],
  ['Bounce DMARCPolicy', { bounce: 'block' }],
  ['Bounce ManuallyDeactivated', { kind: 'rejected', suppressed: true }],
  ['Bounce SMTPApiError', { kind: 'rejected', suppressed: false }],
  ['Bounce Unsubscribe', { kind: 'unsubscribed' }],
  ['SpamComplaint', { kind: 'complained' }],
  ['SubscriptionChange', { kind: 'unsubscribed', at: new Date('2026-11-20T10:00:08Z') }],
  ['Open', { kind: 'opened', userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['Click', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...common, ...event }])
})

test.each(['Bounce AutoResponder', 'SubscriptionChange after a bounce', 'SubscriptionChange, taken back'])(
  '%s is no event of a message',
  (name) => {
    expect(readFixture(name)).toEqual([])
  },
)

test('a bounce keeps its id, also if a complaint has the same number', () => {
  const [bounce] = readChanged('Bounce HardBounce', { ID: 7 })
  const [complaint] = readChanged('SpamComplaint', { ID: 7 })
  expect([bounce?.id, complaint?.id]).toEqual(['Bounce-7', 'SpamComplaint-7'])
})

test('incoming mail is no event of a message, and unknown records and bounces are counted', () => {
  expect(read(bodyOf({ RecordType: 'Inbound' }))).toEqual({ events: [], unread: 0 })
  expect(read(bodyOf({ RecordType: 'Teleported' })).unread).toBe(1)
  expect(read(bodyOf({ RecordType: 'Bounce', Type: 'Teleported' })).unread).toBe(1)
})

import { expect, test } from 'vitest'
import { describeEvents, readFixtures } from '../../test/events.ts'
import { accompany, passwordsStored } from '../../test/password.ts'
import { createSparkpost } from './index.ts'

const bodyOf = (payloads: readonly unknown[]) => Buffer.from(JSON.stringify(payloads))
const { read, readFixture } = describeEvents('sparkpost', {
  create: createSparkpost,
  secrets: passwordsStored,
  sign: accompany('basic'),
  wrap: (payload) => bodyOf([payload]),
  wrapAll: bodyOf,
  fixtures: readFixtures('sparkpost'),
  coversBody: false,
})

const common = { messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk', providerMessageId: '65832150921904138' }

test.each([
  ['injection', { kind: 'accepted', recipient: 'Reader@example.org' }],
  ['delay', { kind: 'deferred', code: '21', enhancedStatus: '4.4.1' }],
  ['delivery', { kind: 'delivered', recipient: 'reader@example.org' }],
  ['bounce, hard', { kind: 'bounced', bounce: 'hard', code: '10', enhancedStatus: '5.1.1' }],
  ['bounce, soft', { bounce: 'soft' }],
  ['bounce, block', { bounce: 'block' }],
  ['bounce, administrative', { kind: 'rejected', suppressed: true }],
  ['out_of_band', { kind: 'bounced', bounce: 'hard', recipient: 'late@example.org' }],
  ['policy_rejection', { kind: 'rejected', suppressed: true }],
  ['generation_rejection', { kind: 'rejected', suppressed: false }],
  ['generation_failure', { kind: 'rejected', suppressed: false, reason: 'template could not be filled in' }],
  ['spam_complaint', { kind: 'complained' }],
  ['list_unsubscribe', { kind: 'unsubscribed' }],
  ['link_unsubscribe', { kind: 'unsubscribed' }],
  ['open', { kind: 'opened', byMachine: false, userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['open by a proxy', { kind: 'opened', byMachine: true }],
  ['amp_open', { kind: 'opened' }],
  ['click', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
  ['amp_click', { kind: 'clicked', url: 'https://shop.example.com/order?id=18' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...common, ...event }])
})

test.each(['ping', 'initial_open', 'out_of_band, automatic answer'])(
  '%s is no event of a message',
  (name) => {
    expect(readFixture(name)).toEqual([])
  },
)

test.each([
  ['10 30', { kind: 'bounced', bounce: 'hard' }],
  ['1 20 21 22 23 24 40 70 100', { kind: 'bounced', bounce: 'soft' }],
  ['50 51 52 53 54', { kind: 'bounced', bounce: 'block' }],
  ['26', { kind: 'rejected', suppressed: true }],
  ['25', { kind: 'rejected', suppressed: false }],
  ['90', { kind: 'unsubscribed' }],
  ['7777', { kind: 'bounced', bounce: 'soft' }],
])('bounce classes %s are %o', (classes, event) => {
  for (const bounce_class of classes.split(' '))
    expect(
      read(bodyOf([{ msys: { message_event: { type: 'bounce', bounce_class } } }])).events,
    ).toMatchObject([event])
})

test('events about other things are left out, and an unknown one is counted', () => {
  const others = ['sms_status', 'relay_delivery', 'ab_test_completed', 'ingest_success']
  expect(read(bodyOf(others.map((type) => ({ msys: { x: { type } } }))))).toEqual({ events: [], unread: 0 })
  expect(read(bodyOf([{ msys: { message_event: { type: 'teleported' } } }, {}]))).toEqual({
    events: [],
    unread: 2,
  })
})

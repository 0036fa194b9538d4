import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { describeEvents, readFixtures, type Signing, toOne } from '../../test/events.ts'
import { testTime } from '../../test/io.ts'
import { parseMandrill } from './events.ts'
import { formFields } from './form-fields.ts'
import { createMandrill } from './index.ts'

const keys = ['auth-key-of-hook-0', 'auth-key-of-hook-1']
const url = 'https://mail.example.com/v1/hooks/mandrill/con_1/token?x=1'

/** As the published recipe makes it: the URL, then names and values by name. */
function signHook(body: Buffer, { secret }: Signing) {
  const fields = [...new URLSearchParams(body.toString())].toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  )
  const signed = createHmac('sha1', keys[secret] ?? '').update(url + fields.flat().join(''))
  return {
    url,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-mandrill-signature': signed.digest('base64'),
    },
    body,
  }
}

const bodyOf = (payloads: readonly unknown[]) =>
  Buffer.from(new URLSearchParams({ mandrill_events: JSON.stringify(payloads) }).toString())
const { verify, signNow, read, readFixture } = describeEvents('mandrill', {
  create: createMandrill,
  secrets: [{ auth_key: keys[0] }, { auth_key: keys[1] }],
  sign: signHook,
  wrap: (payload) => bodyOf([payload]),
  wrapAll: bodyOf,
  fixtures: readFixtures('mandrill'),
  signatureFields: ['x-mandrill-signature'],
  coversBody: true,
})

const common = {
  messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
  providerMessageId: '7761629d1c3f4a4a9e1f0a7bb2f0c001',
}

test.each([
  ['send', { kind: 'sent', recipient: 'reader@example.org', code: 'send' }],
  [
    'deferral',
    {
      kind: 'deferred',
      enhancedStatus: '4.3.5',
      reason: '451 4.3.5 Temporarily unavailable, try again later.',
    },
  ],
  ['delivered', { kind: 'delivered', reason: '250 OK' }],
  [
    'hard_bounce',
    { bounce: 'hard', recipient: 'gone@example.org', code: 'bad_mailbox', enhancedStatus: '5.1.1' },
  ],
  ['soft_bounce', { bounce: 'soft', code: 'mailbox_full' }],
  ['soft_bounce, blocked', { bounce: 'block' }],
  ['reject, suppressed', { kind: 'rejected', suppressed: true, code: 'hard-bounce' }],
  ['reject, unsigned', { kind: 'rejected', suppressed: false, code: 'unsigned' }],
  ['open', { kind: 'opened', byMachine: false, userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' }],
  ['click', { kind: 'clicked', url: 'https://shop.example.com/order?id=17' }],
  ['spam', { kind: 'complained' }],
  ['unsub', { kind: 'unsubscribed' }],
])('%s becomes %o', (name, event) => {
  expect(readFixture(name)).toMatchObject([{ ...common, ...event }])
})

test('two clicks at the same second on different links are two events', () => {
  const click = { event: 'click', _id: 'x', ts: 1_795_168_800, msg: { email: 'a@example.org' } }
  const { events } = read(
    bodyOf([
      { ...click, url: 'https://a.example' },
      { ...click, url: 'https://b.example' },
    ]),
  )
  expect(new Set(events.map(({ id }) => id)).size).toBe(2)
})

test('changes of the lists are no events of a message, and an unknown event is counted', () => {
  const changes = [{ type: 'denylist', action: 'add', reject: {} }, { event: 'inbound' }]
  expect(read(bodyOf(changes))).toEqual({ events: [], unread: 0 })
  expect(read(bodyOf([{ event: 'teleported' }]))).toEqual({ events: [], unread: 1 })
})

describe('the proof', () => {
  test('an empty list, with which Mandrill tests a URL, is accepted as a probe without a signature', async () => {
    expect(await verify(signNow(bodyOf([]), 1), 0)).toEqual({ kind: 'probe' })
    expect(await verify({ ...signNow(bodyOf([])), headers: {} })).toEqual({ kind: 'probe' })
    const hidden = Buffer.from(
      `mandrill_events=[]&mandrill_events=${encodeURIComponent('[{"event":"spam"}]')}`,
    )
    expect((await verify({ ...signNow(bodyOf([])), body: hidden }, 0)).kind).toBe('refused')
  })

  test('is valid for its own URL only', async () => {
    const hook = signNow(bodyOf([{ event: 'spam' }]))
    expect(
      (await verify({ ...hook, url: 'https://mail.example.com/v1/hooks/mandrill/con_2/token' }, 0)).kind,
    ).toBe('refused')
  })

  test('covers all fields, in the order of their names', async () => {
    const body = Buffer.from('z=last&a=first&mandrill_events=%5B%7B%7D%5D')
    expect(await verify(signNow(body), 0)).toEqual({ kind: 'verified' })
  })
})

test('a full batch of opens, each with all opens of its message, is not too long, and every one is read', () => {
  const { open } = readFixtures('mandrill')
  const before = { ts: 1_795_168_800, ip: '192.0.2.20', location: 'Berlin, DE', ua: 'Linux/Firefox 140' }
  const msg = { email: 'reader@example.org', opens: Array(12).fill(before), ...common }
  const body = bodyOf(Array.from({ length: 1_000 }, (_, at) => ({ ...Object(open), _id: `m-${at}`, msg })))
  expect(body.length).toBeLessThan(createMandrill().events?.bodyBytesMax ?? 0)
  const { events, unread } = read(body)
  expect([new Set(events.map(({ id }) => id)).size, unread]).toEqual([1_000, 0])
})

describe('a form', () => {
  const texts = (body: string) => formFields(Buffer.from(body)).map((pair) => pair.map(String))

  test('is read in the encoding of browsers', () => {
    for (const body of ['a=1&b=2', 'a=%C3%A9+%2B%20x', 'a', 'a=', 'a=b=c', '=x', 'a=%zz%4', 'a=%E2%82%AC'])
      expect(texts(body)).toEqual([...new URLSearchParams(body)])
  })

  test('with more fields than Mandrill posts is refused', () => {
    expect(texts('a=1&'.repeat(21))).toEqual([])
  })

  test('with several lists is read from the first', () => {
    const two = Buffer.from('mandrill_events=[]&mandrill_events=[{"event":"spam"}]')
    expect(toOne(parseMandrill(two, testTime))).toEqual({ events: [], unread: 0 })
  })
})

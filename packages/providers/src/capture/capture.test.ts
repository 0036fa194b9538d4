import { describe, expect, test } from 'vitest'
import { describeProvider } from '../../test/conformance.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { captureEvents, parseCapture } from './events.ts'
import { createCapture } from './index.ts'

const at = (name: string) => `${name}@sandbox.lettergate.dev`
const send = (envelopeTo: string[], attempt = 1) =>
  createCapture().send(
    buildOutboundMessage({ envelopeTo }),
    { id: 'con_1', credentials: {}, settings: {} },
    { ...createTestIo(), attempt },
  )
const accepted = { kind: 'accepted', providerMessageId: 'capture-msg_01k9z8y7x6w5v4t3s2r1q0pnmk' }
const rejection = {
  address: at('rejected'),
  kind: 'rejected',
  code: 'recipient-refused',
  reason: expect.stringContaining('550'),
}
const deferral = {
  address: at('deferred'),
  kind: 'deferred',
  code: 'recipient-deferred',
  reason: expect.stringContaining('451'),
  retryAfterMs: 1_000,
}

describe('capture', () => {
  test.each(['anyone@example.org', ...['delivered', 'bounced', 'complained', 'opened+1'].map(at)])(
    '%s is accepted at once',
    async (address) => {
      expect(await send([address])).toEqual(accepted)
    },
  )
  test('rejected@, deferred@ and unknown@ decide the outcome when they are alone', async () => {
    expect(await send([at('rejected')])).toMatchObject({ kind: 'rejected', scope: 'message' })
    expect(await send([at('Deferred+list').toUpperCase()])).toMatchObject({ kind: 'deferred' })
    expect(await send([at('unknown')])).toMatchObject({ kind: 'unknown', code: 'outcome-unknown' })
    expect(await send([at('unknown'), at('rejected')])).toMatchObject({ kind: 'unknown' })
  })
  test('deferred@ is accepted at the third attempt', async () => {
    expect(await send([at('deferred')], 2)).toMatchObject({ kind: 'deferred', retryAfterMs: 1_000 })
    expect(await send([at('deferred')], 3)).toEqual(accepted)
  })
  test('among others they are refused by name', async () => {
    const outcome = await send(['anyone@example.org', at('rejected'), at('deferred')])
    expect(outcome).toEqual({ ...accepted, refused: [rejection, deferral] })
  })
  test('together they leave only the deferred one to try again', async () => {
    expect(await send([at('rejected'), at('deferred'), at('unknown')])).toMatchObject({
      kind: 'deferred',
      refused: [rejection, { code: 'outcome-unknown' }],
    })
  })
})

describe('reports of captured mail', () => {
  const receivedAt = new Date('2026-11-29T12:00:00Z')
  const sentAt = '2026-11-29T11:59:59.000Z'
  const bodyOf = (recipients: string[]) =>
    Buffer.from(
      JSON.stringify({ provider_message_id: accepted.providerMessageId, sent_at: sentAt, recipients }),
    )
  const kindsOf = (recipients: string[]) =>
    parseCapture({ body: bodyOf(recipients) }, receivedAt).events.map(({ kind }) => kind)

  test.each([
    ['anyone@example.org', ['delivered']],
    [at('delivered'), ['delivered']],
    [at('bounced+news'), ['bounced']],
    [at('soft-bounced'), ['bounced']],
    [at('complained'), ['delivered', 'complained']],
    [at('opened'), ['delivered', 'opened']],
    [at('clicked'), ['delivered', 'opened', 'clicked']],
    [at('unsubscribed'), ['delivered', 'unsubscribed']],
    [at('deferred'), ['delivered']],
    [at('constructor'), ['delivered']],
  ])('the mail to %s lives through %j', (address, kinds) => {
    expect(kindsOf([address])).toEqual(kinds)
  })
  test('each event names message and recipient, and a second report of the same mail has the same ids', () => {
    const [first, second] = [receivedAt, new Date('2026-11-29T13:00:00Z')].map((at2) =>
      parseCapture({ body: bodyOf([at('complained'), 'b@example.org']) }, at2),
    )
    expect(first?.unread).toBe(0)
    expect(first?.events).toEqual(second?.events)
    expect(first?.events[1]).toMatchObject({
      kind: 'complained',
      messageId: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
      recipient: at('complained'),
      at: new Date('2026-11-29T11:59:59.500Z'),
    })
    expect(new Set(first?.events.map(({ id }) => id)).size).toBe(3)
  })
  test('a body that is no report has no events', () => {
    for (const text of ['', '[]', '{"provider_message_id":"other","sent_at":"","recipients":[]}'])
      expect(parseCapture({ body: Buffer.from(text) }, receivedAt)).toEqual({ events: [], unread: 1 })
  })
  test('nobody can send them from outside', async () => {
    const hook = { url: 'https://x.example', headers: {}, body: bodyOf(['a@example.org']) }
    expect(await captureEvents.verify(hook, [], createTestIo())).toMatchObject({ kind: 'refused' })
  })
})

describeProvider('capture', createCapture)

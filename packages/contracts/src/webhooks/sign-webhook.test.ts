import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { isWebhookSecret, newWebhookSecret, signWebhook } from './sign-webhook.ts'

const id = 'evt_01k9z8y7x6w5v4t3s2r1q0pnmk'
const body = JSON.stringify({ type: 'recipient.delivered', data: { recipient: 'größe@example.org', seq: 7 } })
const [current, former] = [newWebhookSecret(), newWebhookSecret()]
// The official verifier knows no other time than that of the machine.
const sign = (secrets: string[], at = new Date()) => signWebhook({ id, at, body }, secrets)
const verify = (secret: string, headers: Record<string, string>, text = body) =>
  new Webhook(secret).verify(text, headers)

describe('a signed callback', () => {
  test('is verified by the official verifier, from text and from bytes', () => {
    expect(verify(current, sign([current]))).toEqual(JSON.parse(body))
    const fromBytes = signWebhook({ id, at: new Date(), body: Buffer.from(body) }, [current])
    expect(verify(current, fromBytes)).toEqual(JSON.parse(body))
  })

  test('is verified with either secret while one replaces the other', () => {
    const headers = sign([current, former])
    expect(verify(current, headers)).toEqual(JSON.parse(body))
    expect(verify(former, headers)).toEqual(JSON.parse(body))
    expect(headers['webhook-signature'].split(' ')).toHaveLength(2)
  })

  test('is refused with another secret, another body, another id or another time', () => {
    const headers = sign([current])
    expect(() => verify(former, headers)).toThrow()
    expect(() => verify(current, headers, body.replace('7', '8'))).toThrow()
    expect(() => verify(current, { ...headers, 'webhook-id': 'evt_2' })).toThrow()
    const later = String(Number(headers['webhook-timestamp']) + 1)
    expect(() => verify(current, { ...headers, 'webhook-timestamp': later })).toThrow()
    expect(() => verify(current, sign([current], new Date(Date.now() - 301_000)))).toThrow()
  })

  test('has the same id on every attempt, and a new signature', () => {
    const [first, second] = [0, 5].map((seconds) =>
      sign([current], new Date(1_795_168_800_900 + seconds * 1000)),
    )
    expect(first?.['webhook-id']).toBe(second?.['webhook-id'])
    expect(first?.['webhook-timestamp']).toBe('1795168800')
    expect(first?.['webhook-signature']).not.toBe(second?.['webhook-signature'])
  })

  test('equals the published example byte for byte', () => {
    const at = new Date(1_614_265_330_000)
    const example = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at, body: '{"test": 2432232314}' }
    expect(signWebhook(example, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])['webhook-signature']).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })

  test('needs a secret, and an id without a dot or a space', () => {
    expect(() => sign([])).toThrow(TypeError)
    expect(() => sign(['whsec_short'])).toThrow(TypeError)
    for (const odd of ['', 'a.b', 'a b', 'a\nb', 'ä', 'x'.repeat(257)])
      expect(() => signWebhook({ id: odd, at: new Date(), body }, [current])).toThrow(TypeError)
  })
})

test('a new secret is valid, and no two are the same', () => {
  expect(current).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  expect(current).not.toBe(former)
  expect(isWebhookSecret(current)).toBe(true)
})

test.each([
  ['24 bytes', `whsec_${Buffer.alloc(24).toString('base64')}`, true],
  ['64 bytes', `whsec_${Buffer.alloc(64).toString('base64')}`, true],
  ['23 bytes', `whsec_${Buffer.alloc(23).toString('base64')}`, false],
  ['65 bytes', `whsec_${Buffer.alloc(65).toString('base64')}`, false],
  ['no prefix', Buffer.alloc(24).toString('base64'), false],
  ['other letters', `whsec_${'%'.repeat(40)}`, false],
  ['a line break', `whsec_${Buffer.alloc(24).toString('base64')}\n`, false],
])('a secret of %s is valid: %s %s', (_what, text, isOne) => {
  expect(isWebhookSecret(text)).toBe(isOne)
})

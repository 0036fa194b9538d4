import { afterEach, describe, expect, test } from 'vitest'
import type { Provider, SendOutcome } from './provider.ts'
import { buildOutboundMessage, createTestIo, type TestIo } from './testing.ts'

/** The other side of a provider, played by a test. */
export type Peer = { port: number; close(): Promise<void> }

/** How the other side may behave; every provider has a way to play each of these. */
export type Behaviour =
  | 'accepts'
  | 'refuses the credentials'
  | 'asks to wait'
  | 'never answers the message'
  | 'hangs up after the message'
  | 'answers the message with garbage'
  | 'answers the message without end'

export type ProviderCases = {
  /** A connection as it is stored, to a peer on this port of this machine. */
  connectionTo(port: number): { credentials: unknown; settings: unknown }
  /** Starts a peer that behaves so. */
  play(behaviour: Behaviour): Promise<Peer>
  /** Stored credentials of the right shape, in which the given value can be put. */
  credentialsWith(value: unknown): unknown
}

const expected: [Behaviour, Partial<SendOutcome>][] = [
  ['accepts', { kind: 'accepted' }],
  ['refuses the credentials', { kind: 'rejected', scope: 'account' }],
  ['asks to wait', { kind: 'deferred' }],
  ['never answers the message', { kind: 'unknown' }],
  ['hangs up after the message', { kind: 'unknown' }],
  ['answers the message with garbage', { kind: 'unknown' }],
  ['answers the message without end', { kind: 'unknown' }],
]

/** What every provider guarantees, whatever it speaks. */
export function describeProvider(id: string, create: () => Provider, cases: ProviderCases): void {
  describe(`conformance of ${id}`, () => {
    const cleanups: (() => Promise<void> | undefined)[] = []
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup()
    })

    function start(timeoutMs?: number): { provider: Provider; io: TestIo } {
      const provider = create()
      const io = createTestIo(timeoutMs)
      cleanups.push(
        () => provider.close?.(),
        () => io.close(),
      )
      return { provider, io }
    }
    function connectionOf(provider: Provider, port: number) {
      const { credentials, settings } = cases.connectionTo(port)
      return {
        id: 'con_1',
        credentials: provider.credentials.parse(credentials),
        settings: provider.settings.parse(settings),
      }
    }

    test.each(expected)('a peer that %s: %o', async (behaviour, outcome) => {
      const peer = await cases.play(behaviour)
      cleanups.push(() => peer.close())
      const { provider, io } = start(behaviour === 'never answers the message' ? 300 : 5000)
      const connection = connectionOf(provider, peer.port)
      expect(await provider.send(buildOutboundMessage(), connection, io)).toMatchObject(outcome)
    })

    test('nobody listens: deferred, since surely nothing was handed over', async () => {
      const peer = await cases.play('accepts')
      await peer.close()
      const { provider, io } = start()
      const outcome = await provider.send(buildOutboundMessage(), connectionOf(provider, peer.port), io)
      expect(outcome).toMatchObject({ kind: 'deferred' })
    })

    test('close() leaves no socket', async () => {
      const peer = await cases.play('accepts')
      cleanups.push(() => peer.close())
      const { provider, io } = start()
      await provider.send(buildOutboundMessage(), connectionOf(provider, peer.port), io)
      expect(io.openSockets()).toBeGreaterThan(0)
      await provider.close?.()
      await io.close()
      await expect.poll(() => io.openSockets()).toBe(0)
    })

    test('targets() names the host and port that the settings lead to', () => {
      const provider = create()
      const { settings } = cases.connectionTo(2525)
      const targets = provider.targets(provider.settings.parse(settings))
      expect(targets).toEqual([{ host: '127.0.0.1', port: 2525, scheme: expect.any(String) }])
    })

    test.each([
      ['a line break', 'secret-value\r\nX: y'],
      ['a megabyte', 'secret-value'.repeat(100_000)],
      ['a number', 12345678],
    ])('credentials with %s are refused, and the error does not repeat them', (_what, value) => {
      const result = create().credentials.safeParse(cases.credentialsWith(value))
      expect(result.success).toBe(false)
      expect(JSON.stringify(result.error?.issues) + String(result.error)).not.toMatch(/secret-value|12345678/)
    })

    test('parsed credentials cannot be read by printing them', () => {
      const parsed = create().credentials.parse(cases.credentialsWith('secret-value'))
      expect(JSON.stringify(parsed) + String(parsed)).not.toContain('secret-value')
    })

    test('unknown settings and credentials are refused', () => {
      const { settings, credentials } = cases.connectionTo(2525)
      expect(create().settings.safeParse(Object.assign({ other: 1 }, settings)).success).toBe(false)
      expect(create().credentials.safeParse(Object.assign({ other: 'x' }, credentials)).success).toBe(false)
    })
  })
}

import { afterEach, describe, expect, test } from 'vitest'
import { type FailureCode, failureCodes } from '../src/lib/failures.ts'
import { namedBy } from '../src/lib/targets.ts'
import { toFailure } from '../src/lib/to-failure.ts'
import type { Io, Provider, SendOutcome } from '../src/provider.ts'
import { buildOutboundMessage, createTestIo, failure } from './io.ts'

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

/** Parts that a remote provider provides for its tests. */
export type RemoteCases = {
  /** A connection as it is stored, to a peer on this port of this machine. */
  connectionTo(port: number): Stored
  /** Starts a peer that behaves so. */
  play(behaviour: Behaviour): Promise<Peer>
  /** Stored credentials of the right shape, in which the given value can be put. */
  credentialsWith(value: unknown): unknown
  /** Outcome of an unreachable host; absent: provider unreachable. */
  unreachable?: FailureCode
}
type Stored = { credentials: object; settings: object }
type Create = () => Provider

const expected: [Behaviour, Partial<SendOutcome>][] = [
  ['accepts', { kind: 'accepted' }],
  ['refuses the credentials', { kind: 'rejected', scope: 'account' }],
  ['asks to wait', { kind: 'deferred' }],
  ['never answers the message', { kind: 'unknown' }],
  ['hangs up after the message', { kind: 'unknown' }],
  ['answers the message with garbage', { kind: 'unknown' }],
  ['answers the message without end', { kind: 'unknown' }],
]

const cleanups: (() => Promise<void> | undefined)[] = []

/** Guarantees of every provider, for any protocol; a provider without a remote side omits `remote`. */
export function describeProvider(id: string, create: Create, remote?: RemoteCases): void {
  describe(`conformance of ${id}`, () => {
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup()
    })
    describeSchemas(id, create, remote?.connectionTo(2525) ?? { credentials: {}, settings: {} })
    if (!remote) return
    describeSecrets(create, remote)
    describeOutcomes(create, remote)
  })
}

function describeSchemas(id: string, create: Create, { credentials, settings }: Stored): void {
  test('it has its own id', () => {
    expect(create().id).toBe(id)
  })

  test('unknown settings and credentials are refused', () => {
    expect(create().settings.safeParse(settings).success).toBe(true)
    expect(create().credentials.safeParse(credentials).success).toBe(true)
    expect(create().settings.safeParse({ ...settings, other: 1 }).success).toBe(false)
    expect(create().credentials.safeParse({ ...credentials, other: 'x' }).success).toBe(false)
  })

  test('targets() names every host and port of the settings', () => {
    const provider = create()
    const parsed = provider.settings.parse(settings)
    const targets = provider.targets(parsed)
    const named = Object.keys(settings).length > 0
    expect(targets).toEqual(named ? [{ host: '127.0.0.1', port: 2525, scheme: expect.any(String) }] : [])
    expect(targets.filter((target) => namedBy(parsed, target) === null)).toEqual([])
  })
}

function describeSecrets(create: Create, { credentialsWith }: RemoteCases): void {
  test.each([
    ['a line break', 'secret-value\r\nX: y'],
    ['a megabyte', 'secret-value'.repeat(100_000)],
    ['a number', 12345678],
  ])('credentials with %s are refused, and the error does not repeat them', (_what, value) => {
    const result = create().credentials.safeParse(credentialsWith(value))
    expect(result.success).toBe(false)
    expect(JSON.stringify(result.error?.issues) + String(result.error)).not.toMatch(/secret-value|12345678/)
  })

  test('parsed credentials cannot be read by printing them', () => {
    const parsed = create().credentials.parse(credentialsWith('secret-value'))
    expect(JSON.stringify(parsed) + String(parsed)).not.toContain('secret-value')
  })
}

function connectionOf(provider: Provider, stored: Stored) {
  return {
    id: 'con_1',
    credentials: provider.credentials.parse(stored.credentials),
    settings: provider.settings.parse(stored.settings),
  }
}

function describeOutcomes(
  create: Create,
  { connectionTo, play, unreachable = 'provider-unreachable' }: RemoteCases,
): void {
  async function send(behaviour: Behaviour, peerIsUp = true) {
    const peer = await play(behaviour)
    cleanups.push(() => peer.close())
    if (!peerIsUp) await peer.close()
    const provider = create()
    const io = createTestIo(behaviour === 'never answers the message' ? 300 : 5000)
    cleanups.unshift(
      () => provider.close?.(),
      () => io.close(),
    )
    const stored = connectionTo(peer.port)
    const connection = connectionOf(provider, stored)
    return { outcome: await provider.send(buildOutboundMessage(), connection, io), provider, io }
  }

  /** Sends to a good peer, but the exchange of this number gets no connection in time; from 1 on, in the order of the call. */
  async function sendWithTimeoutAt(number: number) {
    const peer = await play('accepts')
    const provider = create()
    const io = createTestIo()
    cleanups.push(
      () => provider.close?.(),
      () => io.close(),
      () => peer.close(),
    )
    let count = 0
    const step = <T>(go: () => Promise<T>): Promise<T> =>
      ++count === number ? Promise.reject(failure('no connection in time', false)) : go()
    const failing: Io = {
      ...io,
      request: (request) => step(() => io.request(request)),
      connect: (target) => step(() => io.connect(target)),
    }
    const connection = connectionOf(provider, connectionTo(peer.port))
    return { outcome: await provider.send(buildOutboundMessage(), connection, failing), count }
  }

  test.each(expected)('a peer that %s: %o', async (behaviour, outcome) => {
    expect((await send(behaviour)).outcome).toMatchObject(outcome)
  })

  async function check(behaviour: Behaviour, peerIsUp = true) {
    const peer = await play(behaviour)
    cleanups.push(() => peer.close())
    if (!peerIsUp) await peer.close()
    const provider = create()
    const io = createTestIo(behaviour === 'never answers the message' ? 300 : 5000)
    cleanups.unshift(
      () => provider.close?.(),
      () => io.close(),
    )
    return provider.check(connectionOf(provider, connectionTo(peer.port)), io)
  }

  test('check() of a good account finds no fault', async () => {
    expect((await check('accepts')).problem).toBeNull()
  })

  test('check() reports refused credentials, with advice', async () => {
    const { problem } = await check('refuses the credentials')
    expect(problem).toMatchObject({ code: 'provider-credentials-refused' })
    expect(problem?.advice.join(' ')).toMatch(/\w/)
  })

  test('check() of a host without a server reports it', async () => {
    expect((await check('accepts', false)).problem).toMatchObject({ code: 'provider-unreachable' })
  })

  test.each(expected)('check() of a peer that %s ends without an exception', async (behaviour) => {
    const report = await check(behaviour)
    if (report.problem) expect(failureCodes).toContain(report.problem.code)
  })

  test.each(expected)('the code of an outcome agrees with its kind: %s', async (behaviour) => {
    const { outcome } = await send(behaviour)
    if (outcome.kind !== 'accepted') expect(toFailure(outcome.code, '')).toMatchObject({ kind: outcome.kind })
  })

  test('no server listens: deferred, because nothing was sent', async () => {
    expect((await send('accepts', false)).outcome).toMatchObject({ kind: 'deferred' })
  })

  test('no connection in time, at any request: deferred, because nothing of the message was sent', async () => {
    const { outcome: good, count } = await sendWithTimeoutAt(0)
    expect(good).toMatchObject({ kind: 'accepted' })
    expect(count).toBeGreaterThan(0)
    for (let at = 1; at <= count; at++) {
      const { outcome } = await sendWithTimeoutAt(at)
      expect([at, outcome]).toMatchObject([at, { kind: 'deferred', code: unreachable }])
    }
  })

  test('close() leaves no socket', async () => {
    const { provider, io } = await send('accepts')
    expect(io.openSockets()).toBeGreaterThan(0)
    await provider.close?.()
    await io.close()
    await expect.poll(() => io.openSockets()).toBe(0)
  })
}

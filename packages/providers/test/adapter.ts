import { afterEach, expect, test } from 'vitest'
import type { FailureCode } from '../src/lib/failures.ts'
import type { OutboundMessage, Provider, SendOutcome } from '../src/provider.ts'
import { type Answer, type Exchange, playHttp, respond } from './http-peer.ts'
import { buildOutboundMessage, createTestIo, failure } from './io.ts'

/** Parts that an adapter over HTTP provides for its tests. */
type Own<C, S> = {
  create(): Provider<C, S>
  /** A connection as it is stored, to a fake on this port of this machine. */
  connectionTo(port: number): { credentials: object; settings: object }
  /** How the provider says that it took the message, and what it calls it. */
  accepts: Answer
  providerMessageId: string
}
/** A connection that differs from the usual one: by settings of its own, or by other credentials. */
type Changes = { settings?: object; credentials?: object }

/** The set-up of an adapter's tests: connections to fakes, which are gone after each test of the file that calls this. */
export function setUpAdapter<C, S>(own: Own<C, S>) {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup()
  })

  function connect(port: number, { settings, credentials }: Changes = {}) {
    const provider = own.create()
    const stored = own.connectionTo(port)
    const io = createTestIo()
    cleanups.unshift(io.close)
    const connection = {
      id: 'con_1',
      credentials: provider.credentials.parse(credentials ?? stored.credentials),
      settings: provider.settings.parse({ ...stored.settings, ...settings }),
    }
    return { provider, connection, io }
  }

  /** Starts a fake that answers so, and connects to it. */
  async function start(answer: Answer = own.accepts, changes?: Changes) {
    const peer = await playHttp(answer)
    cleanups.push(peer.close)
    const { provider, connection, io } = connect(peer.port, changes)
    return {
      peer,
      send: (message: OutboundMessage) => provider.send(message, connection, io),
      check: () => provider.check(connection, io),
    }
  }

  /** Sends through a fake that accepts, and answers what that got; `also` sends to the same fake by other means. */
  async function exchanged(
    message: OutboundMessage,
    { times = 1, also, ...changes }: { times?: number; also?(port: number): Promise<unknown> } & Changes = {},
  ): Promise<Exchange[]> {
    const { peer, send } = await start(own.accepts, changes)
    for (let time = 0; time < times; time++)
      expect(await send(message)).toEqual({ kind: 'accepted', providerMessageId: own.providerMessageId })
    await also?.(peer.port)
    return peer.got
  }

  /** Sends a message with an egress that only fails. */
  function sendInVain(changes: Partial<OutboundMessage>, error: Error): Promise<SendOutcome> {
    const { provider, connection, io } = connect(1)
    const failing = { ...io, request: () => Promise.reject(error) }
    return provider.send(buildOutboundMessage(changes), connection, failing)
  }

  async function check(answer: Answer) {
    const started = await start(answer)
    return { report: await started.check(), got: started.peer.got }
  }

  return {
    start,
    exchanged,
    check,
    /** The JSON of the one request that sends a message with these changes. */
    async bodyOf(changes: Partial<OutboundMessage>, settings: object = {}) {
      const [exchange] = await exchanged(buildOutboundMessage(changes), { settings })
      return JSON.parse(exchange?.body ?? '')
    },
    /** Sends a message that must not leave this machine: a request is an error, not an outcome. */
    unsent: (changes: Partial<OutboundMessage>) => sendInVain(changes, new Error('nothing may be sent')),

    testEgressRefusal() {
      test('a target that the egress policy refuses is the account’s fault', async () => {
        expect(await sendInVain({}, failure('address is not public', false, true))).toEqual({
          kind: 'rejected',
          scope: 'account',
          code: 'provider-egress-refused',
          reason: expect.stringMatching(/address is not public$/),
        })
      })
    },
    /** Answers to a check, and the fault that each means. */
    testCheckProblems(rows: [status: number, body: string, code: FailureCode][]) {
      test.each(rows)('%d %s: %s', async (status, body, code) => {
        expect((await check(respond(status, body))).report.problem).toMatchObject({ code })
      })
    },
    /** Where settings lead, over TLS. */
    testTargets(rows: [settings: object, host: string][]) {
      test.each(rows)('settings %j use %s', (settings, host) => {
        const provider = own.create()
        expect(provider.targets(provider.settings.parse(settings))).toEqual([
          { host, port: 443, scheme: 'https' },
        ])
      })
    },
    testRefusedSettings(rows: object[]) {
      test.each(rows)('settings %j are refused', (settings) => {
        expect(own.create().settings.safeParse(settings).success).toBe(false)
      })
    },
    /** For credentials that go into a header field as they are. */
    testHeaderSecret(credentialsWith: (value: string) => object) {
      test.each(['with space', 'ключ', '', 'x\r\nX: y'])(
        'credentials that are not allowed in a header field are refused: %s',
        (value) => {
          expect(own.create().credentials.safeParse(credentialsWith(value)).success).toBe(false)
        },
      )
    },
  }
}

/** That success alone proves nothing: it takes the word of the provider, whose id for the message is read. */
export function testUnknownSuccesses(judge: (body: string) => SendOutcome, further: string[]): void {
  test.each(['', '{', 'null', '[]', '"x"', '<html>', ...further])(
    'a success with the body %s is unknown',
    (body) => {
      expect(judge(body).kind).toBe('unknown')
    },
  )
}

/** That a wait is read as HTTP writes it, and bounded; `otherwiseMs` is that of an answer which asks for none. */
export function testRetryAfter(
  judge: (headers: Record<string, string>) => SendOutcome,
  otherwiseMs?: number,
): void {
  test.each([
    [{ 'retry-after': '30' }, 30_000],
    [{ 'retry-after': '0' }, 1000],
    [{ 'retry-after': '-1' }, 1000],
    [{ 'retry-after': '1000000000' }, 3_600_000],
    [{ 'retry-after': 'Fri, 20 Nov 2026 10:02:00 GMT' }, 120_000],
    [{ 'retry-after': 'Fri, 20 Nov 2020 10:02:00 GMT' }, 1000],
    [{ 'retry-after': 'Fri, 20 Nov 2036 10:02:00 GMT' }, 3_600_000],
    [{ 'retry-after': 'soon' }, otherwiseMs],
    [{ 'retry-after': 'try 40' }, otherwiseMs],
    [{ 'retry-after': '1e9' }, otherwiseMs],
    [{ 'retry-after': '' }, otherwiseMs],
    [{}, otherwiseMs],
  ])('%j waits %s ms', (headers, waitMs) => {
    const outcome = judge(headers)
    expect(outcome.kind === 'deferred' && outcome.retryAfterMs).toBe(waitMs)
  })
}

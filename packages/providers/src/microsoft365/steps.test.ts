import { afterEach, describe, expect, test } from 'vitest'
import { buildFile, startSending, withFiles } from '../../test/fake-graph.ts'
import { type Exchange, respond } from '../../test/http-peer.ts'
import { createTestIo, failure } from '../../test/io.ts'

type Answer = ReturnType<typeof respond>

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function start(options: Parameters<typeof startSending>[0] = {}) {
  const started = await startSending(options)
  cleanups.push(started.close)
  return started
}

const steps = {
  'the draft': ({ method, path }: Exchange) => method === 'POST' && path.endsWith('/messages'),
  'the small file': ({ path }: Exchange) => path.endsWith('/attachments'),
  'the session': ({ path }: Exchange) => path.endsWith('/createUploadSession'),
  'the first piece': ({ headers }: Exchange) => /^bytes 0-/.test(headers['content-range'] ?? ''),
  'the last piece': ({ headers }: Exchange) => /-4999999\//.test(headers['content-range'] ?? ''),
}
type StepName = keyof typeof steps
const twoFiles = withFiles(buildFile('a.pdf', 2_500_000), buildFile('b.pdf', 5_000_000))
const hangUp: Answer = (response) => void response.socket?.destroy()
const refusal = (code: string, message = '') => JSON.stringify({ error: { code, message } })

describe('a step that fails', () => {
  const anyStep: [string, Answer, string][] = [
    ['hangs up', hangUp, 'provider-unavailable'],
    ['says 500', respond(500, ''), 'provider-unavailable'],
    ['says 504', respond(504, refusal('UnknownError')), 'provider-unavailable'],
    ['says 429', respond(429, refusal('ApplicationThrottled')), 'provider-rate-limited'],
    ['says 413', respond(413, ''), 'message-too-large'],
    ['says that it is too large', respond(400, refusal('ErrorMessageSizeExceeded')), 'message-too-large'],
    ['says that the mailbox is full', respond(400, refusal('ErrorQuotaExceeded')), 'provider-quota-used-up'],
    ['says garbage', respond(200, '<html>'), 'provider-unavailable'],
  ]
  const own: [StepName, string, Answer, string][] = [
    ['the small file', 'says 403', respond(403, refusal('ErrorAccessDenied')), 'provider-permission-missing'],
    ['the small file', 'says 400', respond(400, refusal('ErrorInvalidRequest')), 'refusal-unrecognised'],
    ['the session', 'says 404', respond(404, refusal('ErrorItemNotFound')), 'provider-unavailable'],
    ['the session', 'names no address', respond(201, '{}'), 'provider-unavailable'],
    ['the session', 'names nonsense', respond(201, '{"uploadUrl":"x y"}'), 'provider-unavailable'],
    ['the session', 'names a number', respond(201, '{"uploadUrl":7}'), 'provider-unavailable'],
    [
      'the session',
      'names another scheme',
      respond(201, '{"uploadUrl":"https://x/"}'),
      'provider-unavailable',
    ],
    ['the session', 'names a user', respond(201, '{"uploadUrl":"http://a:b@x/"}'), 'provider-unavailable'],
    // Its leave is in the address: what it refuses says nothing about our credentials or settings.
    ['the first piece', 'says 401', respond(401, ''), 'provider-unavailable'],
    ['the first piece', 'says 403', respond(403, ''), 'provider-unavailable'],
    ['the first piece', 'says 404', respond(404, ''), 'provider-unavailable'],
    ['the first piece', 'says 416', respond(416, ''), 'provider-unavailable'],
    ['the first piece', 'says that all is there', respond(201, ''), 'provider-unavailable'],
    ['the last piece', 'says that more is missing', respond(200, '{}'), 'provider-unavailable'],
  ]
  const all: [StepName, string, Answer, string][] = [
    ...(['the small file', 'the session', 'the first piece', 'the last piece'] as const).flatMap((step) =>
      anyStep.map(([what, answer, code]): [StepName, string, Answer, string] => [step, what, answer, code]),
    ),
    ...own,
  ]

  test.each(all.filter(([step, what]) => !(step === 'the first piece' && what === 'says garbage')))(
    '%s %s: nothing is sent and no draft remains',
    async (step, _what, answer, code) => {
      const { graph, send } = await start({
        answer: (exchange) => (steps[step](exchange) ? answer : undefined),
      })
      expect(await send(twoFiles)).toMatchObject({ code })
      expect(graph.asked().at(-1)).toBe('DELETE /messages/draft-1')
      expect([graph.sent.length, graph.left()]).toEqual([0, 0])
    },
  )

  test('the draft: nothing follows', async () => {
    const { graph, send } = await start({
      answer: (exchange) => (steps['the draft'](exchange) ? respond(503, '') : undefined),
    })
    expect(await send(twoFiles)).toMatchObject({ kind: 'deferred', code: 'provider-unavailable' })
    expect(graph.asked()).toEqual(['POST /messages'])
  })

  test('only the send request can be unknown, and leaves the draft', async () => {
    const { graph, send } = await start({
      answer: ({ path }) => (path.endsWith('/send') ? hangUp : undefined),
    })
    expect(await send(twoFiles)).toMatchObject({ kind: 'unknown', reason: expect.stringMatching(/^draft </) })
    expect(graph.left()).toBe(1)
  })

  test('an upload that asks to wait defers the message by that time', async () => {
    const { send } = await start({
      answer: (exchange) =>
        steps['the first piece'](exchange) ? respond(429, '', { 'retry-after': '9' }) : undefined,
    })
    expect(await send(twoFiles)).toMatchObject({ kind: 'deferred', retryAfterMs: 9000 })
  })

  test('an upload that the egress policy refuses is a fault of the account, and the draft is removed', async () => {
    const io = createTestIo()
    cleanups.push(io.close)
    const { graph, send } = await start({
      io: {
        request: (request) =>
          request.method === 'PUT'
            ? Promise.reject(failure('address is not public', false, true))
            : io.request(request),
      },
    })
    expect(await send(twoFiles)).toMatchObject({ scope: 'account', code: 'provider-egress-refused' })
    expect(graph.left()).toBe(0)
  })

  test('the address of an upload is in no reason, also if the host repeats it', async () => {
    const { graph, send } = await start({
      answer: (exchange) =>
        steps['the first piece'](exchange)
          ? respond(400, refusal('X', `no ${exchange.path} nor ${exchange.path.slice(60, 160)}`))
          : undefined,
    })
    const said = JSON.stringify(await send(twoFiles))
    expect(said).toContain('***')
    expect(said).not.toContain(graph.authToken.slice(30, 50))
  })
})

describe('a step that takes too long', () => {
  const never: Answer = () => {}

  test.each(['the draft', 'the small file', 'the session', 'the first piece'] as const)(
    '%s: is stopped in time to remove the draft',
    async (step) => {
      const { graph, send } = await start({
        answer: (exchange) => (steps[step](exchange) ? never : undefined),
        timeoutMs: 1_500,
      })
      expect(await send(twoFiles)).toMatchObject({ kind: 'deferred', code: 'provider-unavailable' })
      expect([graph.sent.length, graph.left()]).toEqual([0, 0])
    },
  )

  test.each(['the draft', 'the first piece', 'the last piece'] as const)(
    'a message that is too late after %s is not sent',
    async (step) => {
      let left = 24_000
      const { graph, send } = await start({
        answer: (exchange) => {
          if (steps[step](exchange)) left = 7_000
          return undefined
        },
        io: { msLeft: () => left },
      })
      expect(await send(twoFiles)).toMatchObject({
        code: 'provider-unavailable',
        reason: expect.stringContaining('in time'),
      })
      expect([graph.sent.length, graph.left()]).toEqual([0, 0])
    },
  )
})

import { type AddressInfo, connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { addProblemDetails } from './problem-details.ts'
import { refuseOverload } from './refuse-overload.ts'

const NEVER_MS = 3_600_000

let app: FastifyInstance | undefined
afterEach(async () => {
  vi.useRealTimers()
  await app?.close()
})

/** Enough turns of the event loop for an answer that nothing holds back. */
async function someTurns(): Promise<'held'> {
  for (let turn = 0; turn < 50; turn++) await setImmediate()
  return 'held'
}

/** An app whose sends and lists answer 200, with as many sends waiting as the test says. */
async function startApp(waiting: number, options: { holdMs?: number; heldMax?: number } = {}) {
  const state = { waiting, isClosing: false }
  app = Fastify({ forceCloseConnections: true })
  app.decorateRequest('countAnswer', null)
  addProblemDetails(app, { logger: pino({ level: 'silent' }) })
  refuseOverload(
    app,
    {
      acceptor: { waiting: () => state.waiting },
      metrics: { countShed: () => undefined },
      stopping: {
        get isClosing() {
          return state.isClosing
        },
      },
    },
    { holdMs: 1, ...options },
  )
  app.post('/v1/send', { config: { public: true, accepts: true } }, () => 'sent')
  app.get('/v1/messages', { config: { public: true } }, () => 'listed')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const ask = (method: string, path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, ...(method === 'POST' && { body: 'text' }) })
  return { state, ask, port, app, holdMs: options.holdMs ?? 1 }
}

/** Sends the head of a request, without its body, and returns the first bytes of the answer. */
async function sendHead(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.write('POST /v1/send HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n')
  const first: string = await new Promise((resolve, reject) =>
    socket.once('data', resolve).once('error', reject),
  )
  socket.destroy()
  return first
}

test('sends are refused while too many wait, and accepted again afterwards', async () => {
  const { state, ask } = await startApp(500)
  const refused = await ask('POST', '/v1/send')
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await refused.json()).toMatchObject({ code: 'overloaded', instance: '/v1/send' })
  state.waiting = 499
  expect((await ask('POST', '/v1/send')).status).toBe(200)
})

test('a send is refused before its body is read', async () => {
  const { port } = await startApp(500)
  expect(await sendHead(port)).toMatch(/^HTTP\/1.1 503 /)
})

test('other requests are served for any number of waiting sends', async () => {
  const { ask } = await startApp(100_000, { holdMs: NEVER_MS })
  expect((await ask('GET', '/v1/messages')).status).toBe(200)
})

test('a refusal beyond the maximum of held refusals is answered immediately', async () => {
  const { ask } = await startApp(500, { holdMs: NEVER_MS, heldMax: 1 })
  const answers = [ask('POST', '/v1/send'), ask('POST', '/v1/send')].map((answer) => answer.catch(() => null))
  expect((await Promise.race(answers))?.status).toBe(503)
  await app?.close()
  expect((await Promise.all(answers)).map((answer) => answer?.status)).toContain(undefined)
})

test('a held refusal is answered when its delay has passed, and frees its place for the next one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const { app, holdMs } = await startApp(500, { holdMs: NEVER_MS, heldMax: 1 })
  for (let round = 0; round < 2; round++) {
    const answer = app
      .inject({ method: 'POST', url: '/v1/send', payload: 'text' })
      .then((it) => it.statusCode)
    expect(await Promise.race([answer, someTurns()])).toBe('held')
    vi.advanceTimersByTime(holdMs)
    expect(await answer).toBe(503)
  }
})

test('a process that stops answers every refusal immediately', async () => {
  const { state, ask } = await startApp(500, { holdMs: NEVER_MS })
  state.isClosing = true
  expect((await ask('POST', '/v1/send')).status).toBe(503)
})

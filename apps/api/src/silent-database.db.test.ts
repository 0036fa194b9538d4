import { setTimeout as sleep } from 'node:timers/promises'
import { type SilentProxy, startSilentProxy } from '@lettergate/db/test/silent-proxy'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Answer, startTestApi, type TestApi } from '../test/api.ts'

/** The promised time, and the time that a busy machine may add. */
const SEND_MS = 3_000 + 500
const OTHER_MS = 5_000 + 500
const READY_MS = 1_000 + 300

let proxy: SilentProxy
let api: TestApi
beforeAll(async () => {
  api = await startTestApi({
    async through(url) {
      proxy = await startSilentProxy(url)
      return proxy.url
    },
  })
})
afterAll(async () => {
  await api.close()
  await proxy.close()
})

type Timed = { status: number; ms: number; answer: Answer }

async function timed(work: Promise<Answer>): Promise<Timed> {
  const startedAt = performance.now()
  const answer = await work
  return { status: answer.status, ms: performance.now() - startedAt, answer }
}

let keys = 0
const message = { from: 'a@acme.example', to: ['b@example.net'], subject: 'Hello', text: 'Hi' }
const send = (key = `silent-${keys++}`, more: object = {}) =>
  timed(
    api.call('POST', '/v1/send', {
      body: { ...message, ...more },
      headers: { 'idempotency-key': key },
    }),
  )
const get = (path: string) => timed(api.call('GET', path))
const attachments = [{ filename: 'a.txt', content: Buffer.alloc(900_000, 'a').toString('base64') }]

/** As an operator's and a client's life makes it: all lanes have had connections. */
async function warm(): Promise<void> {
  const ask = async () => {
    const answers = await Promise.all([send(), send(undefined, { attachments }), get('/v1/connections')])
    return answers.map(({ status }) => status)
  }
  await expect.poll(ask, { timeout: 15_000 }).toEqual([202, 202, 200])
}

beforeEach(async () => {
  proxy.carryNew()
  await expect.poll(async () => (await get('/readyz')).status, { timeout: 5_000 }).toBe(200)
  await warm()
}, 30_000)

async function expectBooksInOrder(): Promise<void> {
  const { rows } = await api.db.pool.query({
    text: `select (select count(*)::int from message) as stored, (select count(distinct request_id)::int from idempotency) as keys,
      (select sum(accepted)::int from usage) as counted`,
  })
  const [row] = rows
  expect(row).toEqual({ stored: row?.counted, keys: row?.counted, counted: row?.counted })
}

test('when all connections fall silent and new ones work, a send is accepted within three seconds', async () => {
  proxy.silence()
  const answers = await Promise.all([send(), send(undefined, { attachments }), send()])
  for (const { ms } of answers) expect(ms).toBeLessThan(SEND_MS)
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
  await expectBooksInOrder()
}, 20_000)

test('when the answer of the database is lost, the send is stored once and accepted', async () => {
  proxy.silence({ up: false })
  const { ms, status } = await send()
  expect(ms).toBeLessThan(SEND_MS)
  expect(status).toBe(202)
  await expectBooksInOrder()
}, 20_000)

test('while the database does not answer: 503 with Retry-After in time, /healthz 200, and the repeat is stored once', async () => {
  proxy.silence({ isLasting: true })
  const [sent, large, listed, ready, health] = await Promise.all([
    send('kept'),
    send('kept-large', { attachments }),
    get('/v1/connections'),
    get('/readyz'),
    get('/healthz'),
  ])
  for (const { status, answer } of [sent, large, listed, ready]) {
    expect(status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(answer.json.code).toBe('storage-unavailable')
  }
  expect(sent.ms).toBeLessThan(SEND_MS)
  expect(large.ms).toBeLessThan(SEND_MS)
  expect(listed.ms).toBeLessThan(OTHER_MS)
  expect(ready.ms).toBeLessThan(READY_MS)
  expect(health.status).toBe(200)
  // Later requests find no connection at all.
  const next = await Promise.all([send(), get('/v1/connections'), get('/readyz')])
  expect(next.map(({ status }) => status)).toEqual([503, 503, 503])
  expect(next[0].ms).toBeLessThan(SEND_MS)
  expect(next[1].ms).toBeLessThan(OTHER_MS)
  expect(next[2].ms).toBeLessThan(READY_MS)

  proxy.carryNew()
  const backAt = performance.now()
  while ((await get('/readyz')).status !== 200) await sleep(20)
  expect(performance.now() - backAt).toBeLessThan(READY_MS)
  const repeats = await Promise.all([send('kept'), send('kept-large', { attachments })])
  expect(repeats.map(({ status }) => status)).toEqual([202, 202])
  await expectBooksInOrder()
}, 30_000)

test('while statements get no answer, /readyz fails although new connections work', async () => {
  proxy.silence()
  const hanging = Promise.all([send(), send()])
  await sleep(950)
  const ready = await get('/readyz')
  expect(ready.status).toBe(503)
  expect(ready.ms).toBeLessThan(READY_MS)
  await hanging
  await expect.poll(async () => (await get('/readyz')).status, { timeout: 2_500 }).toBe(200)
}, 20_000)

test('many calls of /readyz use one database connection', async () => {
  proxy.silence({ isLasting: true })
  await Promise.all(Array.from({ length: 50 }, () => get('/readyz')))
  expect((await api.db.pool.query('select 1')).rowCount).toBe(1)
  proxy.carryNew()
  await expect.poll(async () => (await get('/readyz')).status, { timeout: 5_000 }).toBe(200)
}, 20_000)

test('late statements are counted', async () => {
  const figures = await fetch(`${api.server.metricsUrl}/metrics`).then((answer) => answer.text())
  expect(figures).toMatch(/lettergate_late_statements_total\{pool="shared",kind="silent"\} [1-9]/)
})

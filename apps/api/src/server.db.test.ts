import { type ChildProcess, spawn } from 'node:child_process'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestApi, TEST_SECRET, type TestApi } from '../test/api.ts'

/** As in package.json. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/node', import.meta.url))

const message = JSON.stringify({
  from: 'a@acme.example',
  to: ['b@example.net'],
  subject: 'Hello',
  text: 'Hi',
})

let api: TestApi | undefined
afterEach(async () => {
  await api?.close()
  api = undefined
})

type Reply = { status: number; connection: string | undefined }

/** One request over a given agent, which keeps its socket. */
function over(agent: Agent, url: string, path: string, key: string, body?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${url}${path}`,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      },
      (response) => {
        response.resume()
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, connection: response.headers.connection }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** Sends until no server listens any more, like any client: one socket, and a new one when the answer says that the old one closes. */
async function keepSending(url: string, key: string): Promise<{ accepted: number; broken: string[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const count = { accepted: 0, broken: [] as string[] }
  for (;;) {
    try {
      if ((await over(agent, url, '/v1/send', key, message)).status === 202) count.accepted++
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      if (code === 'ECONNREFUSED') break
      count.broken.push(code)
    }
  }
  agent.destroy()
  return count
}

/** The api as its own process, on the database of `api`. */
async function spawnApi(databaseUrl: string): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url))], {
    env: { DATABASE_URL: databaseUrl, LETTERGATE_SECRET: TEST_SECRET, API_PORT: '0', NODE_COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line)
    if (typeof url === 'string') return { url, child }
  }
  throw new Error('the api ended before it listened')
}

describe('stopping', () => {
  it('on SIGTERM under load: breaks no connection, loses no accepted message, exits 0 within 10 s', async () => {
    api = await startTestApi()
    const { db, tenant } = api
    const { url, child } = await spawnApi(db.url)
    const exited = new Promise<number | null>((resolve) => child.on('exit', resolve))
    const clients = Array.from({ length: 8 }, () => keepSending(url, tenant.liveKey))
    await sleep(300)
    const stoppedAt = performance.now()
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(10_000)
    const counts = await Promise.all(clients)
    const accepted = counts.reduce((sum, count) => sum + count.accepted, 0)
    expect(counts.flatMap((count) => count.broken)).toEqual([])
    expect(accepted).toBeGreaterThan(0)
    const { rows } = await db.pool.query<{ n: number }>({ text: 'select count(*)::int as n from message' })
    expect(rows[0]?.n).toBe(accepted)
  })

  it('fails readiness first and continues to serve, then answers open requests and ends each connection', async () => {
    api = await startTestApi({ drainMs: 500 })
    const { url } = api
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { liveKey } = api.tenant
    expect(await over(agent, url, '/readyz', liveKey)).toEqual({ status: 200, connection: 'keep-alive' })
    const stopped = api.server.stop()
    expect(await over(agent, url, '/readyz', liveKey)).toMatchObject({ status: 503 })
    expect(await over(agent, url, '/v1/send', liveKey, message)).toMatchObject({ status: 202 })
    let last: Reply
    do last = await over(agent, url, '/v1/send', liveKey, message)
    while (last.connection !== 'close')
    expect(last.status).toBe(202)
    agent.destroy()
    await stopped
  })

  it('stops in time while sockets are silent', async () => {
    api = await startTestApi()
    const { hostname, port } = new URL(api.url)
    const idle = Array.from({ length: 20 }, () => connect(Number(port), hostname))
    const closed = Promise.all(
      idle.map((socket) => new Promise((resolve) => socket.on('close', resolve).on('error', () => {}))),
    )
    await over(new Agent({ keepAlive: true }), api.url, '/healthz', api.tenant.liveKey)
    await api.server.stop()
    await closed
  })

  it('ends long polls with the present state', async () => {
    api = await startTestApi()
    const { json } = await api.call('POST', '/v1/send', { body: message })
    const waiting = api.call('GET', `/v1/messages/${json.id}?wait=60`)
    await sleep(100)
    await api.server.stop()
    expect(await waiting).toMatchObject({ status: 200, json: { status: 'queued' } })
  })
})

describe('clients that do not finish', () => {
  it('a body cut off by its sender stores nothing and counts nothing', async () => {
    api = await startTestApi()
    const { hostname, port } = new URL(api.url)
    for (let i = 0; i < 5; i++) {
      const socket = connect(Number(port), hostname)
      const head = `POST /v1/send HTTP/1.1\r\nhost: api\r\nauthorization: Bearer ${api.tenant.liveKey}\r\ncontent-type: application/json\r\n`
      socket.write(`${head}content-length: ${message.length}\r\n\r\n${message.slice(0, -1)}`)
      await sleep(20)
      socket.destroy()
    }
    expect((await api.call('POST', '/v1/send', { body: message })).headers.get('ratelimit')).toMatch(
      /^"daily";r=99999;/,
    )
    const { rows } = await api.db.pool.query({ text: 'select count(*)::int as n from message' })
    expect(rows).toEqual([{ n: 1 }])
  })
})

it('closes connections beyond its maximum and serves the others', async () => {
  api = await startTestApi({ connectionsMax: 1 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () => over(agent, api?.url ?? '', '/healthz', api?.tenant.liveKey ?? '')
  expect(await ask()).toMatchObject({ status: 200 })
  const { hostname, port } = new URL(api.url)
  const second = connect(Number(port), hostname).on('error', () => {})
  await new Promise((resolve) => second.once('close', resolve))
  expect(await ask()).toMatchObject({ status: 200 })
  agent.destroy()
  const text = await fetch(`${api.server.metricsUrl}/metrics`).then((answer) => answer.text())
  expect(text).toMatch(/^lettergate_dropped_connections_total 1$/m)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startTestApi, TEST_SECRET, type TestApi } from '../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

/** An api in a process of its own that does these requests and says which parts of Prisma it had loaded after each. */
const CHILD = `
import { createSecretKey } from 'node:crypto'
import { registerHooks } from 'node:module'
const loaded = new Set()
registerHooks({ load(url, context, next) {
  if (/@prisma\\/|\\/db\\/src\\/client\\//.test(url)) loaded.add(url)
  return next(url, context)
} })
const { startServer } = await import('./server.ts')
const { pino } = await import('pino')
const { databaseUrl, secret, key, requests } = JSON.parse(process.argv[1])
const server = await startServer({
  databaseUrl, secret: createSecretKey(Buffer.from(secret)), egressAllow: [], logger: pino({ level: 'silent' }),
  host: '127.0.0.1', port: 0, drainMs: 0, metricsPort: 0, trustedProxies: [],
})
for (const { method, path, body } of requests) {
  const answer = await fetch(server.url + path, {
    method, headers: { authorization: 'Bearer ' + key, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  await answer.text()
  console.log(JSON.stringify({ status: answer.status, loaded: loaded.size }))
}
await server.stop()
`
const Line = z.object({ status: z.number(), loaded: z.number() })

test('sending and reading load nothing of Prisma; the first management request loads it', async () => {
  const message = { from: 'a@acme.example', to: ['b@example.net'], subject: 'Hello', text: 'Hello' }
  const requests = [
    { method: 'POST', path: '/v1/send', body: message },
    { method: 'POST', path: '/v1/send/batch', body: { messages: [message] } },
    { method: 'GET', path: '/v1/messages' },
    { method: 'GET', path: '/v1/connections' },
  ]
  const given = { databaseUrl: api.db.url, secret: TEST_SECRET, key: api.tenant.liveKey, requests }
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, JSON.stringify(given)], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: z.infer<typeof Line>[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(Line.parse(JSON.parse(line)))
  if (child.exitCode === null) await once(child, 'exit')
  expect(lines.map(({ status }) => status)).toEqual([202, 202, 200, 200])
  expect(lines.map(({ loaded }) => loaded > 0)).toEqual([false, false, false, true])
})

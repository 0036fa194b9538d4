import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createClient, writeDuring } from './src/client.ts'
import { countStatuses } from './src/client-ledger.ts'
import { runCommand } from './src/gateway.ts'
import { reportResult } from './src/report.ts'
import { type Fleet, startFleet, stayUntilRefused } from './src/rolling.ts'
import { announceSeed } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const LANES = 16
const LATENCY_MS = 50

async function call(apiUrl: string, apiKey: string, method: string, path: string, body?: unknown) {
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const json: { data?: { id: string }[] } = JSON.parse(await response.text())
  return { status: response.status, json }
}

/** The tenant changes the credentials of its connection, as often as it likes. */
async function rotateCredentials(stack: Stack, apiUrl: string, times: number): Promise<void> {
  const { apiKey } = stack.tenant
  const { json } = await call(apiUrl, apiKey, 'GET', '/v1/connections')
  for (let time = 0; time < times; time++) {
    const credentials = { access_key_id: `AKIDFAKE${time}`, secret_access_key: 'another-secret' }
    const path = `/v1/connections/${json.data?.[0]?.id}`
    expect((await call(apiUrl, apiKey, 'PATCH', path, { credentials })).status).toBe(200)
  }
}

/** One process after the other restarts, with the environment of that moment. */
async function replaceAll(apis: Fleet, workers: Fleet): Promise<void> {
  for (const index of [0, 1]) await Promise.all([apis.replace(index), workers.replace(index)])
}

/** The trace of a message that could not be sent because of a missing key. */
async function countTroubles(stack: Stack): Promise<number> {
  const { rows } = await stack.pool.query<{ n: number }>({
    text: `select ((select count(*) from event where type = 'recipient.held')
                   + (select count(*) from attempt where outcome <> 'accepted'))::int4 as n`,
  })
  return rows[0]?.n ?? -1
}

test('T37: the root key and the credentials of a connection change under load: no send and no key check fails, and the old root key can be removed', async () => {
  announceSeed('T37')
  await using stack = await startStack({ dailyLimit: 10_000_000, providerLatencyMs: LATENCY_MS })
  await stack.worker.stop()
  await stack.api.stop()
  const env = { ...stack.env }
  const old = env.LETTERGATE_SECRET ?? ''
  const next = randomBytes(32).toString('hex')
  await using apis = await startFleet('api', env, 2)
  await using workers = await startFleet('worker', env, 2)
  const apiUrl = `http://127.0.0.1:${apis.ports[0]}`
  const clients = Array.from({ length: LANES }, (_, lane) =>
    createClient({
      apiKey: stack.tenant.apiKey,
      ledger: stack.ledger,
      connections: 1,
      url: stayUntilRefused(apis.ports, lane),
    }),
  )
  let said = ''
  const rotate = async () => {
    // First everybody knows the next key, then everybody uses it.
    env.LETTERGATE_SECRET_PREVIOUS = next
    await replaceAll(apis, workers)
    Object.assign(env, { LETTERGATE_SECRET: next, LETTERGATE_SECRET_PREVIOUS: old })
    await replaceAll(apis, workers)
    await rotateCredentials(stack, apiUrl, 10)
    said = await runCommand(['key', 'rotate-root'], env)
    delete env.LETTERGATE_SECRET_PREVIOUS
    await replaceAll(apis, workers)
  }
  const rotating = rotate()
  await Promise.all(
    clients.map((client, lane) => writeDuring(client, { width: 1, prefix: `t37-${lane}` }, () => rotating)),
  )
  const { verdict } = await settle(stack, 60_000)
  for (const client of clients) client.close()
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  const requests = stack.ledger.requests()
  const refused = Object.keys(countStatuses(requests)).filter((status) => !['0', '202'].includes(status))
  expect(refused).toEqual([])
  expect(await countTroubles(stack)).toBe(0)
  // The key for test mode was not used meanwhile.
  expect(said).toContain(
    '1 data keys are now encrypted with the new root key.\n1 API keys have not been used since',
  )
  expect((await call(apiUrl, stack.tenant.apiKey, 'GET', '/v1/connections')).status).toBe(200)
  reportResult({
    test: 'T37',
    fault:
      'the root key is changed in three rolling restarts of 2 apis and 2 workers; credentials of a connection replaced 10 times',
    n: requests.length,
    result: '0 sends failed, 0 key checks failed, 0 lost, 0 repeats; all works without the old key',
    bound: '0 failed sends, 0 failed key checks; the old key can be removed',
  })
}, 400_000)

test('T37 control: a root key that is replaced in one step refuses every API key', async () => {
  announceSeed('T37 control')
  await using stack = await startStack({ dailyLimit: 1_000 })
  await stack.api.stop()
  await using apis = await startFleet(
    'api',
    { ...stack.env, LETTERGATE_SECRET: randomBytes(32).toString('hex') },
    1,
  )
  const apiUrl = `http://127.0.0.1:${apis.ports[0]}`
  const { status } = await call(apiUrl, stack.tenant.apiKey, 'GET', '/v1/connections')
  expect(status).toBe(401)
  reportResult({
    test: 'T37 control',
    fault: 'another root key, without the previous one beside it',
    n: 1,
    result: 'the API key was refused',
    bound: 'the API key is refused',
  })
}, 60_000)

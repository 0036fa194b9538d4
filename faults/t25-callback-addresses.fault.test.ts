import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { createEndpoint, startReceiver } from './src/callback-receiver.ts'
import { freePort, waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { startStack } from './src/stack.ts'

/** All of them are this machine, or lead to it, somewhere. */
const SPELLINGS = [
  '127.0.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '127.1',
  '127.0.1',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '127.0.0.1.',
  '0.0.0.0',
  '0',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'x.localhost',
  '127.0.0.1.nip.io',
  'localtest.me',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::7f00:1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
]
const REDIRECTS = [301, 302, 303, 307, 308]

test('T25: no spelling of an inner address and no redirect brings a callback to this machine', async () => {
  announceSeed('T25')
  let hits = 0
  const canary = createServer((socket) => {
    hits++
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(0, '::', resolve))
  const address = canary.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  let status = 0
  const outside = await startReceiver((response) => {
    status = REDIRECTS[(REDIRECTS.indexOf(status) + 1) % REDIRECTS.length] ?? 301
    response.writeHead(status, { location: `http://127.0.0.1:${port}/` }).end()
  }, '127.0.0.2')
  // The worker may reach the receiver alone; mail goes nowhere.
  const allow = `127.0.0.2,127.0.0.1:${await freePort()}`
  await using stack = await startStack({
    dailyLimit: 1_000,
    apiEnv: { LETTERGATE_EGRESS_ALLOW: '127.0.0.1,127.0.0.2' },
    workerEnv: { LETTERGATE_EGRESS_ALLOW: allow },
  })
  // Its port would keep the canary safe whatever the address: a rule of the tenant opens it.
  const hosts = ['0.0.0.0/0', '[::]/0', 'localhost', '*.localhost', '*.nip.io', 'localtest.me']
  await stack.pool.query({
    text: 'update tenant set egress_extra = $1',
    values: [JSON.stringify([{ protocols: ['http'], hosts, ports: [port] }])],
  })
  const urls = [...SPELLINGS.map((host) => `http://${host}:${port}/`), ...REDIRECTS.map(() => outside.url)]
  for (const url of urls) {
    await createEndpoint(stack, stack.tenant.apiKey, { url: outside.url, types: ['message.accepted'] })
    // Past the check when it is saved, as after a change of the DNS.
    await stack.pool.query({
      text: `update endpoint set url = $1 where id = (select id from endpoint order by id desc limit 1)`,
      values: [url],
    })
  }
  await stack.client.sendUntilSettled({ idempotencyKey: 't25', to: ['user@example.net'] })
  const tried = 'select count(distinct endpoint_id)::int4 as n from delivery_try'
  await waitUntil('a call for each endpoint', 60_000, async () => {
    const { rows } = await stack.pool.query<{ n: number }>({ text: tried })
    return (rows[0]?.n ?? 0) >= urls.length
  })
  const { rows } = await stack.pool.query<{ n: number }>({
    text: 'select count(*)::int4 as n from delivery_try where status between 200 and 299',
  })
  expect(rows).toEqual([{ n: 0 }])
  expect(hits).toBe(0)
  canary.close()
  await outside.down()
  reportResult({
    test: 'T25',
    fault: `endpoints at ${SPELLINGS.length} spellings of inner addresses, and ${REDIRECTS.length} redirects to one`,
    n: urls.length,
    result: `${hits} connections to this machine`,
    bound: '0 connections',
  })
}, 300_000)

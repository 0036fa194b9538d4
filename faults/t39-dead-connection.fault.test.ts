import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { addSenders, closeSenders, trickle, waitsOf } from './src/fairness.ts'
import { createConnection, sesConnection } from './src/gateway.ts'
import { percentile } from './src/percentile.ts'
import { freePort } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = faultsCount(300)
const CONTROL_N = 20
const WAIT_MS_MAX = 2_000
/** Calls of two workers that may fail before both know: five in a row each, and those in progress meanwhile. */
const CALLS_MAX = 2 * (5 + 16)

/** How often each connection of the tenant was tried, in the order of use. */
async function triesByConnection(stack: Stack, tenantId: string): Promise<number[]> {
  const { rows } = await stack.pool.query<{ n: number }>({
    text: `select count(a.number)::int4 as n
           from connection c left join attempt a on a.tenant_id = c.tenant_id and a.connection_id = c.id
           where c.tenant_id = $1 group by c.id, c.priority order by c.priority, c.id`,
    values: [fromPublicId('ten', tenantId)],
  })
  return rows.map(({ n }) => n)
}

test('T39: mails fail over from a dead connection immediately, its circuit opens, and other tenants are not affected', async () => {
  const random = announceSeed('T39')
  await using stack = await startStack({ dailyLimit: 1_000_000, workers: 2 })
  const [dead] = await addSenders(stack, 1, sesConnection(stack.provider.url))
  const others = await addSenders(stack, 4, sesConnection(stack.provider.url))
  if (!dead) throw new Error('no tenant was made')
  const clients = others.map(({ client }) => client)
  await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
  const nowhere = sesConnection(`http://127.0.0.1:${await freePort()}`)
  await createConnection(stack.apiUrl, dead.tenant.apiKey, { ...nowhere, priority: 1 })
  const sending = trickle(clients, { each: 40, withinMs: 3_000, prefix: 'busy', random })
  await inParallel(N, 16, (index) =>
    dead.client.sendUntilSettled({ idempotencyKey: `t39-${index}`, to: ['user@example.net'] }),
  )
  const busy = await sending
  const { verdict } = await settle(stack, 20_000)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  const [tries = 0, carried = 0] = await triesByConnection(stack, dead.tenant.tenantId)
  expect(carried).toBe(N)
  expect(tries).toBeGreaterThan(0)
  expect(tries).toBeLessThanOrEqual(CALLS_MAX)
  const events = await stack.pool.query<{ type: string }>({ text: 'select type from connection_event' })
  expect(events.rows).toEqual([{ type: 'connection.unhealthy' }])
  const p99 = percentile(await waitsOf(busy, stack.provider), 99)
  expect(p99).toBeLessThanOrEqual(WAIT_MS_MAX)
  closeSenders([dead, ...others])
  reportResult({
    test: 'T39',
    fault: 'the first of a tenant’s two connections refuses every call, two workers',
    n: N,
    result: `${carried} mails went by the second connection, the dead one was called ${tries} times and reported once; 0 lost, 0 repeats; p99 wait of the others ${p99} ms`,
    bound: `≤ ${CALLS_MAX} calls of the dead one, 0 waiting, 0 lost, 0 repeats, p99 ≤ ${WAIT_MS_MAX} ms`,
  })
}, 120_000)

test('T39 control: with only the dead connection, the mails wait', async () => {
  announceSeed('T39 control')
  await using stack = await startStack({ dailyLimit: 1_000 })
  await stack.pool.query({ text: 'update connection set enabled = false' })
  const nowhere = sesConnection(`http://127.0.0.1:${await freePort()}`)
  await createConnection(stack.apiUrl, stack.tenant.apiKey, { ...nowhere, priority: 1 })
  await inParallel(CONTROL_N, 8, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t39c-${index}`, to: ['user@example.net'] }),
  )
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const { rows } = await stack.pool.query<{ n: number }>({ text: 'select count(*)::int4 as n from outbox' })
  expect(rows).toEqual([{ n: CONTROL_N }])
  reportResult({
    test: 'T39 control',
    fault: 'the only connection of a tenant refuses every call',
    n: CONTROL_N,
    result: `${rows[0]?.n} mails wait`,
    bound: '> 0 mails wait',
  })
}, 60_000)

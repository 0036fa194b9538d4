import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { writeDuring } from './src/client.ts'
import { promisedIds } from './src/client-ledger.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const KILLS = Math.min(1_200, faultsCount(200))
const KILLS_EACH = 3
const EVERY_MS = 15

const TERMINATE = `
  select pg_terminate_backend(pid) from (
    select pid from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
      and application_name <> 'faults'
    order by random() limit ${KILLS_EACH}) victim`

async function terminateBackends(databaseUrl: string, count: number): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'faults' })
  await client.connect()
  let killed = 0
  for (const deadline = Date.now() + 60_000; killed < count && Date.now() < deadline; await sleep(EVERY_MS)) {
    killed += (await client.query(TERMINATE)).rowCount ?? 0
  }
  await client.end()
  return killed
}

test('T12: while its connections are killed the gateway answers 202 or 503, loses nothing and never exits', async () => {
  announceSeed('T12')
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  let killed = 0
  await writeDuring(stack.client, { width: 16, prefix: 't12' }, async () => {
    killed = await terminateBackends(stack.env.DATABASE_URL ?? '', KILLS)
  })
  const { verdict } = await settle(stack, 120_000)
  const requests = stack.ledger.requests()
  const others = requests.flatMap(({ answers }) =>
    answers.filter(
      ({ status, retryAfter }) => status !== 202 && !(status === 503 && retryAfter !== undefined),
    ),
  )
  expect(killed).toBeGreaterThanOrEqual(KILLS)
  expect(others).toEqual([])
  expect([stack.api.deaths(), stack.worker.deaths()]).toEqual([0, 0])
  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  expect(requests.every((request) => promisedIds(request).size === 1)).toBe(true)
  reportResult({
    test: 'T12',
    fault: `${killed} database connections killed, ${KILLS_EACH} each ${EVERY_MS} ms`,
    n: requests.length,
    result: `0 lost, 0 repeats, ${verdict.unknown.length} unknown, 0 exits, only 202 and 503`,
    bound: '0 lost, 0 repeats, 0 exits, 202 or 503 with Retry-After',
  })
}, 240_000)

test('T12 control: a gateway without an error listener on its pool exits', async () => {
  announceSeed('T12 control')
  await using stack = await startNaiveStack({})
  await writeDuring(stack.client, { width: 16, prefix: 't12' }, async () => {
    await terminateBackends(stack.databaseUrl, 2 * KILLS_EACH)
  })
  expect(stack.gateway.deaths()).toBeGreaterThan(0)
  reportResult({
    test: 'T12 control',
    fault: 'a gateway without an error listener on its connections',
    n: stack.ledger.requests().length,
    result: `${stack.gateway.deaths()} exits`,
    bound: 'exits',
  })
}, 90_000)

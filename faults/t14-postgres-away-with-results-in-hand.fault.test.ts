import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { type Stack, startStack } from './src/stack.ts'

const N = faultsCount(200)
const LATENCY_MS = 300
const AWAY_MS = 10_000

/** Accepts a backlog while no worker sends, so that the attempts begin together. */
async function send(stack: Stack, prefix: string): Promise<void> {
  await inParallel(N, 32, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `${prefix}-${index}`, to: ['user@example.net'] }),
  )
}

type Outage = { begin(): Promise<void> | void; end(): Promise<void> | void }

/** Takes Postgres away once the provider has mails that it has not answered yet; says how many answers came meanwhile. */
async function awayDuringCalls(stack: Stack, prefix: string, outage: Outage): Promise<number> {
  const before = await stack.provider.count()
  const sending = send(stack, prefix)
  await waitUntil('calls under way', 30_000, async () => (await stack.provider.count()) > before + 10, 5)
  await outage.begin()
  const from = Date.now()
  await sleep(AWAY_MS)
  const until = Date.now()
  await outage.end()
  await sending
  const answeredAt = (await stack.provider.ledger()).map(({ at }) => at + LATENCY_MS)
  return answeredAt.filter((at) => at > from && at < until).length
}

test('T14: answers of providers during an outage of Postgres are kept and written after it', async () => {
  announceSeed('T14')
  await using stack = await startStack({
    dailyLimit: 2 * N,
    providerLatencyMs: LATENCY_MS,
    proxyPostgres: true,
  })
  const { cluster, postgresProxy: proxy } = stack
  const stopped = await awayDuringCalls(stack, 't14-stopped', {
    begin: () => cluster.stopImmediately(),
    end: () => cluster.start(),
  })
  // Statements may have reached it, and all their answers are lost.
  const frozen = await awayDuringCalls(stack, 't14-frozen', {
    begin: () => proxy?.freeze(),
    end: () => {
      proxy?.reset()
      proxy?.thaw()
    },
  })
  const { verdict } = await settle(stack, 30_000)
  expect(stopped).toBeGreaterThan(0)
  expect(frozen).toBeGreaterThan(0)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect([stack.api.deaths(), stack.worker.deaths()]).toEqual([0, 0])
  reportResult({
    test: 'T14',
    fault: `Postgres stopped, then frozen, for ${AWAY_MS / 1000} s each with ${stopped} and ${frozen} calls under way`,
    n: 2 * N,
    result: `0 lost, 0 repeats, 0 unknown: every answer written, every fence whose answer was lost found again`,
    bound: '0 lost, 0 repeats, 0 unknown',
  })
}, 120_000)

test('T14 control: a gateway that drops results which it cannot write sends again', async () => {
  announceSeed('T14 control')
  await using stack = await startNaiveStack({ providerLatencyMs: LATENCY_MS })
  await inParallel(50, 16, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t14-${index}`, to: ['user@example.net'] }),
  )
  const before = await stack.provider.count()
  await waitUntil('calls under way', 30_000, async () => (await stack.provider.count()) > before, 5)
  await stack.cluster.stopImmediately()
  await sleep(2 * LATENCY_MS)
  await stack.cluster.start()
  await sleep(3_000)
  const { repeated } = summarize(await stack.judge())
  expect(repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T14 control',
    fault: 'a gateway that drops results while Postgres is away',
    n: 50,
    result: `${repeated} repeats`,
    bound: 'repeats',
  })
}, 60_000)

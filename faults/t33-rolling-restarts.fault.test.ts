import { expect, test } from 'vitest'
import { createClient, writeDuring } from './src/client.ts'
import { countStatuses } from './src/client-ledger.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { reportResult } from './src/report.ts'
import { brokenOff, type Stop, startFleet, stayUntilRefused } from './src/rolling.ts'
import { announceSeed } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const ROUNDS = process.env.FAULTS_N === undefined ? 6 : 20
const LANES = 16
const EXIT_MS_MAX = 10_000
/** Workers get the stop signal with mails in progress. */
const LATENCY_MS = 100

test(
  'T33: a rolling restart of apis and workers under load interrupts no request and sends nothing twice',
  async () => {
    const random = announceSeed('T33')
    await using stack = await startStack({ dailyLimit: 10_000_000, providerLatencyMs: LATENCY_MS })
    // The fleets take their places.
    await stack.worker.stop()
    await stack.api.stop()
    await using apis = await startFleet('api', stack.env, 2)
    await using workers = await startFleet('worker', stack.env, 1)
    const clients = Array.from({ length: LANES }, (_, lane) =>
      createClient({
        apiKey: stack.tenant.apiKey,
        ledger: stack.ledger,
        connections: 1,
        url: stayUntilRefused(apis.ports, lane),
      }),
    )
    const first = random.below(2)
    const stops: Stop[] = []
    const restart = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const replaced = [apis.replace((first + round) % 2), workers.replace(0)]
        stops.push(...(await Promise.all(replaced)))
      }
    }
    const restarting = restart()
    await Promise.all(
      clients.map((client, lane) =>
        writeDuring(client, { width: 1, prefix: `t33-${lane}` }, () => restarting),
      ),
    )
    const { verdict } = await settle(stack, 60_000)
    for (const client of clients) client.close()
    const requests = stack.ledger.requests()
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    expect(brokenOff(requests)).toEqual([])
    expect(Object.keys(countStatuses(requests)).filter((status) => !['0', '202'].includes(status))).toEqual(
      [],
    )
    expect(stops.filter(({ code }) => code !== 0)).toEqual([])
    // Readiness fails while requests are still taken.
    const unwarned = stops.filter(({ part, readiness }) => part === 'api' && !readiness.includes(503))
    expect(unwarned).toEqual([])
    const slowestMs = Math.max(...stops.map(({ tookMs }) => tookMs))
    expect(slowestMs).toBeLessThanOrEqual(EXIT_MS_MAX)
    reportResult({
      test: 'T33',
      fault: `SIGTERM to ${ROUNDS} of two apis in turn and to ${ROUNDS} workers, each replaced`,
      n: requests.length,
      result: `0 broken off, 0 lost, 0 repeats, 0 unknown; gone after ${slowestMs} ms at most`,
      bound: `0 broken off, 0 lost, 0 repeats, gone ≤ ${EXIT_MS_MAX} ms`,
    })
  },
  60_000 + ROUNDS * 15_000,
)

test('T33 control: a gateway that ignores SIGTERM interrupts requests', async () => {
  announceSeed('T33 control')
  await using stack = await startNaiveStack({})
  await writeDuring(stack.client, { width: LANES, prefix: 't33' }, async () => {
    for (let round = 0; round < 3; round++) {
      const deaths = stack.gateway.deaths()
      await new Promise((resolve) => setTimeout(resolve, 700))
      await stack.gateway.current().kill('SIGTERM')
      for (let waited = 0; stack.gateway.deaths() === deaths && waited < 100; waited++)
        await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })
  const broken = brokenOff(stack.ledger.requests())
  expect(broken.length).toBeGreaterThan(0)
  reportResult({
    test: 'T33 control',
    fault: 'SIGTERM, 3 times, to a gateway that does not listen for it',
    n: stack.ledger.requests().length,
    result: `${broken.length} requests broken off`,
    bound: '> 0 broken off',
  })
}, 60_000)

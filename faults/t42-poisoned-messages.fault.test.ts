import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { judgeStack } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const N = faultsCount(300)
/** Each kills the worker that sends it: at another moment, in another way. */
const POISONS = {
  'poison-load': 'after_load:kill9',
  'poison-exit': 'after_load:exit',
  'poison-memory': 'after_load:memory',
  'poison-loop': 'before_fence:loop',
  'poison-build': 'after_fence_before_call:exit',
  'poison-record': 'after_provider_ack_before_db:kill9',
}
const FAILPOINT = Object.entries(POISONS)
  .map(([tag, strike]) => `${strike.split(':')[0]}:${strike.split(':')[1]}:tag=${tag}`)
  .join(',')
const LIVES_MAX = 30

test('T42: messages that kill every worker are held after the third worker, and other mail is not affected', async () => {
  announceSeed('T42')
  await using stack = await startStack({
    dailyLimit: N + 10,
    providerLatencyMs: 10,
    providerKind: 'resend',
    expireLeases: true,
    workerFailpoints: Array(LIVES_MAX).fill(FAILPOINT),
    // The main process of a worker is to run out of memory soon.
    workerEnv: { NODE_OPTIONS: '--max-old-space-size=256' },
  })
  const tags = Object.keys(POISONS)
  const every = Math.floor(N / tags.length)
  await inParallel(N, 32, (index) => {
    const tag = index % every === every - 1 ? tags[Math.floor(index / every)] : undefined
    return stack.client.sendUntilSettled({
      idempotencyKey: `t42-${index}`,
      to: [`user${index}@example.net`],
      ...(tag === undefined ? {} : { fields: { tags: [tag] } }),
    })
  })
  const rest = async () => {
    const { rows } = await stack.pool.query<{ left: number }>({
      text: `select count(*)::int4 as left from outbox o where not exists (
               select from recipient r where r.message_id = o.message_id and r.status = 'held')`,
    })
    return rows[0]?.left ?? 0
  }
  /** Makes repeats due now; what was set aside stays so. */
  const isOver = async () => {
    await stack.pool.query({
      text: "update outbox set due_at = now() where state = 'waiting' and lost_workers < 3 and due_at > now()",
    })
    return (await rest()) === 0
  }
  const start = performance.now()
  await waitUntil('everything but the poisoned to be done', 240_000, isOver, 200).catch(
    async (error: unknown) => {
      const { rows } = await stack.pool.query({
        text: `select o.state, o.lost_workers, o.attempts, o.lease_until - now() as lease, m.tags
             from outbox o join message m on m.id = o.message_id limit 20`,
      })
      const ends = `${stack.worker.deaths()} workers lost; the last said: ${stack.worker.current().output().slice(-1500)}`
      throw new Error(`${JSON.stringify(rows)}; ${ends}`, { cause: error })
    },
  )
  const tookMs = Math.round(performance.now() - start)
  const verdict = await judgeStack(stack)
  const held = await stack.pool.query<{ tags: string[]; lost_workers: number; reason: string }>({
    text: `select m.tags, o.lost_workers, r.reason from outbox o
           join message m on m.id = o.message_id join recipient r on r.message_id = o.message_id and r.status = 'held'
           join event e on e.message_id = o.message_id and e.type = 'recipient.held'`,
  })
  expect(held.rows.flatMap((row) => row.tags).sort()).toEqual([...tags].sort())
  expect(new Set(held.rows.map((row) => row.lost_workers))).toEqual(new Set([3]))
  expect(held.rows[0]?.reason).toMatch(/three workers ended/)
  expect({ lost: verdict.lost, repeated: verdict.repeated, overQuota: verdict.overQuota }).toEqual({
    lost: [],
    repeated: [],
    overQuota: [],
  })
  // The counters start again with each restart of a worker; the last process ran for most of the test.
  const metrics = await (await fetch(`http://127.0.0.1:${stack.env.WORKER_METRICS_PORT}/metrics`)).text()
  expect(metrics).toMatch(/^lettergate_messages_set_aside_total [1-9]/m)
  const twice = await stack.pool.query({
    text: `select a.message_id from attempt a join message m on m.id = a.message_id
           where a.outcome = 'unknown' and m.tags = '{}' group by 1 having count(*) > 1`,
  })
  expect(twice.rows).toEqual([])
  // The worker continues, and all mail of the other tenants was accepted.
  const last = await stack.client.sendUntilSettled({ idempotencyKey: 't42-last', to: ['last@example.net'] })
  expect(last).toBeDefined()
  await waitUntil('the last mail to be sent', 20_000, async () => (await rest()) === 0)
  const sent = await stack.pool.query({ text: "select 1 from recipient where status = 'sent'" })
  expect(sent.rowCount).toBe(N - tags.length + 1)
  reportResult({
    test: 'T42',
    fault: `${tags.length} messages that kill their worker while loading, building, calling and recording`,
    n: N,
    result: `${held.rowCount} held after 3 each, 0 others lost, repeated or twice unknown; ${stack.worker.deaths()} workers lost, ${tookMs} ms`,
    bound: 'poisoned: held after exactly 3; others: 0 lost, 0 repeats, none unknown more than once',
  })
}, 500_000)

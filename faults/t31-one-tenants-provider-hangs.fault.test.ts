import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId } from '@lettergate/contracts/ids'
import { addSenders, closeSenders, type Sender, trickle, waitsOf } from '@lettergate/faults/fairness'
import { fillBacklog, fillNaiveBacklog, NAIVE_BACKLOG } from '@lettergate/faults/fairness-backlog'
import { startNaiveStack } from '@lettergate/faults/naive-stack'
import { percentile } from '@lettergate/faults/percentile'
import { waitUntil } from '@lettergate/faults/ports'
import { reportResult } from '@lettergate/faults/report'
import { announceSeed, faultsCount } from '@lettergate/faults/seed'
import { judgeStack } from '@lettergate/faults/settle'
import { type Stack, startStack } from '@lettergate/faults/stack'
import { expect, test } from 'vitest'

const BACKLOG = faultsCount(3_000)
const TENANTS = 10
const EACH = 200
const WITHIN_MS = 8_000
const HANG_MS = 30_000
const WAIT_MS_MAX = 2_000
/** What a connection bears before anything was heard of it; one that never answers gets no more. */
const CALLS_MAX = 64
/** The sender of all mails for which the provider hangs: it is everybody's provider, and well for the others. */
const ILL = 'ill@acme.example'
const SENDING = "select count(*)::int4 as n from outbox where tenant_id = $1 and state = 'sending'"

async function callsOf(stack: Stack, { tenant }: Sender): Promise<number> {
  const values = [fromPublicId('ten', tenant.tenantId)]
  const { rows } = await stack.pool.query<{ n: number }>({ text: SENDING, values })
  return rows[0]?.n ?? 0
}

/** The most calls that the sender had under way at once while the deed was done. */
async function mostCallsDuring(stack: Stack, sender: Sender, deed: Promise<unknown>): Promise<number> {
  let most = 0
  let done = false
  const sample = async () => {
    while (!done) {
      most = Math.max(most, await callsOf(stack, sender))
      await sleep(100)
    }
  }
  const sampling = sample()
  await deed.finally(() => {
    done = true
  })
  await sampling
  return most
}

test('T31: a tenant whose provider hangs on every call takes nothing from the others', async () => {
  const random = announceSeed('T31')
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  const senders = await addSenders(stack, TENANTS, stack.provider)
  const [ill] = await addSenders(stack, 1, stack.provider)
  if (ill === undefined) throw new Error('no tenant was made')
  const clients = senders.map(({ client }) => client)
  const send = (prefix: string) => trickle(clients, { each: EACH, withinMs: WITHIN_MS, prefix, random })
  await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
  const idle = await send('idle')
  await stack.provider.script({ rules: [{ match: ILL, fault: { kind: 'delay', delayMs: HANG_MS } }] })
  const backlog = await fillBacklog(stack, ill.tenant.tenantId, BACKLOG, ILL)
  await waitUntil('the calls to hang', 20_000, async () => (await callsOf(stack, ill)) >= CALLS_MAX / 2)
  const sending = send('busy')
  const calls = await mostCallsDuring(stack, ill, sending)
  const busy = await sending
  const others = 'select 1 from outbox where tenant_id <> $1 limit 1'
  const values = [fromPublicId('ten', ill.tenant.tenantId)]
  await waitUntil('the others to be served', 30_000, async () => {
    return (await stack.pool.query({ text: others, values })).rowCount === 0
  })
  closeSenders([...senders, ill])
  const { stuck, unknown, ...verdict } = await judgeStack(stack)
  expect(verdict).toEqual({ lost: [], repeated: [], overQuota: [] })
  expect(unknown.filter(({ id }) => !backlog.has(id))).toEqual([])
  expect(stuck.filter((text) => !backlog.has(text.slice(0, text.indexOf(':'))))).toEqual([])
  const p99 = percentile(await waitsOf(busy, stack.provider), 99)
  const idleP99 = percentile(await waitsOf(idle, stack.provider), 99)
  expect(calls).toBeLessThanOrEqual(CALLS_MAX)
  expect(p99).toBeLessThanOrEqual(WAIT_MS_MAX)
  reportResult({
    test: 'T31',
    fault: `the provider of one tenant with ${BACKLOG} mails hangs ${HANG_MS / 1000} s on every call, ${TENANTS} others go on sending`,
    n: busy.length,
    result: `the ill tenant held ${calls} calls at most; p99 wait of the others ${p99} ms, ${idleP99} ms without it; 0 lost, 0 repeats`,
    bound: `≤ ${CALLS_MAX} of 400 calls, p99 ≤ ${WAIT_MS_MAX} ms, 0 lost, 0 repeats`,
  })
}, 120_000)

test('T31 control: a gateway whose workers anybody may fill stops sending for all', async () => {
  const random = announceSeed('T31 control')
  await using stack = await startNaiveStack({})
  const hang = { match: NAIVE_BACKLOG, fault: { kind: 'delay' as const, delayMs: HANG_MS } }
  await stack.provider.script({ rules: [hang] })
  const backlog = await fillNaiveBacklog(stack, 200)
  await sleep(1_000)
  const busy = await trickle([stack.client], { each: 20, withinMs: 500, prefix: 'busy', random })
  await sleep(2 * WAIT_MS_MAX)
  const waits = await waitsOf(busy, stack.provider)
  const waiting = waits.filter((wait) => wait === Number.POSITIVE_INFINITY)
  expect(waiting.length).toBeGreaterThan(0)
  reportResult({
    test: 'T31 control',
    fault: `a gateway with one set of workers for everybody has ${backlog.length} mails for a provider that hangs`,
    n: busy.length,
    result: `${waiting.length} mails of the others were not sent within ${2 * WAIT_MS_MAX} ms`,
    bound: '> 0 mails',
  })
}, 60_000)

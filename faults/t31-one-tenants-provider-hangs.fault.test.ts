import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { expect, test } from 'vitest'
import { expectUnharmed, UNHARMED_BOUND, WAIT_MS_MAX } from './src/expect-unharmed.ts'
import { addSenders, closeSenders, type Sender, trickle, waitsOf } from './src/fairness.ts'
import { fillBacklog, fillNaiveBacklog, NAIVE_BACKLOG } from './src/fairness-backlog.ts'
import { type ConnectionBody, SMTP_SESSIONS_MAX, sesConnection, smtpConnection } from './src/gateway.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { waitUntil } from './src/ports.ts'
import type { ProviderEntry } from './src/provider-ledger.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { judgeStack } from './src/settle.ts'
import { addSmtp, type Stack, startStack } from './src/stack.ts'

const BACKLOG = faultsCount(3_000)
const TENANTS = 10
const EACH = 100
const WITHIN_MS = 4_000
const HANG_MS = 30_000
const CALLS_AT_ONCE = 400
/** The sender of all mails for which the HTTP provider hangs: it is everybody's provider, and well for the others. */
const ILL = 'ill@acme.example'
const SENDING = "select count(*)::int4 as n from outbox where tenant_id = $1 and state = 'sending'"
const STAGES = ['greeting', 'ehlo', 'auth', 'mail', 'rcpt', 'data', 'dot'] as const

/** Where the others send, where one tenant does, and how its provider falls ill. */
type Kind = {
  well: ConnectionBody
  ill: ConnectionBody
  ledgerOfWell: { ledger(): Promise<ProviderEntry[]> }
  fallIll(): Promise<void>
}

const KINDS: Record<string, { hangs: string; callsMax: number; prepare(stack: Stack): Promise<Kind> }> = {
  T31: {
    hangs: 'on every call',
    // The concurrent calls of a connection before its first answer; a connection that never answers gets no more.
    callsMax: 64,
    async prepare({ provider }) {
      const connection = sesConnection(provider.url)
      const fault = { kind: 'delay', delayMs: HANG_MS } as const
      const fallIll = () => provider.script({ rules: [{ match: ILL, fault }] })
      return { well: connection, ill: connection, ledgerOfWell: provider, fallIll }
    },
  },
  'T31 SMTP': {
    hangs: `on every call, at one of ${STAGES.length} stages of its session`,
    callsMax: SMTP_SESSIONS_MAX,
    async prepare(stack) {
      const [well, ill] = [await addSmtp(stack), await addSmtp(stack)]
      // The same part of the sessions at each stage: it is connected, and then the server is silent.
      const rules = STAGES.map((stage, at) => {
        return { every: STAGES.length - at, fault: { stage, kind: 'delay', delayMs: HANG_MS } as const }
      })
      return {
        well: smtpConnection(well.port),
        ill: smtpConnection(ill.port),
        ledgerOfWell: well,
        fallIll: () => ill.script({ anew: true, rules }),
      }
    },
  },
}

async function callsOf(stack: Stack, { tenant }: Sender): Promise<number> {
  const values = [fromPublicId('ten', tenant.tenantId)]
  const { rows } = await stack.pool.query<{ n: number }>({ text: SENDING, values })
  return rows[0]?.n ?? 0
}

/** The maximum of concurrent calls of the sender while the deed ran. */
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

test.each(Object.entries(KINDS))(
  '%s: a tenant whose provider hangs on every call does not delay other tenants',
  async (name, { hangs, callsMax, prepare }) => {
    const random = announceSeed(name)
    await using stack = await startStack({ dailyLimit: 1_000_000 })
    const kind = await prepare(stack)
    const senders = await addSenders(stack, TENANTS, kind.well)
    const [ill] = await addSenders(stack, 1, kind.ill)
    if (ill === undefined) throw new Error('no tenant was made')
    const clients = senders.map(({ client }) => client)
    const send = (prefix: string) => trickle(clients, { each: EACH, withinMs: WITHIN_MS, prefix, random })
    await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
    const idle = await send('idle')
    await kind.fallIll()
    const backlog = await fillBacklog(stack, ill.tenant.tenantId, BACKLOG, ILL)
    await waitUntil('the calls to hang', 20_000, async () => (await callsOf(stack, ill)) >= callsMax / 2)
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
    expect(calls).toBeLessThanOrEqual(callsMax)
    const waits = await expectUnharmed({ idle, busy }, kind.ledgerOfWell)
    reportResult({
      test: name,
      fault: `the provider of one tenant with ${BACKLOG} mails hangs ${HANG_MS / 1000} s ${hangs}, ${TENANTS} others go on sending`,
      n: busy.length,
      result: `the ill tenant held ${calls} calls at most; ${waits}; 0 lost, 0 repeats`,
      bound: `≤ ${callsMax} of ${CALLS_AT_ONCE} calls, ${UNHARMED_BOUND}, 0 lost, 0 repeats`,
    })
  },
  120_000,
)

test('T31 control: a gateway that lets one tenant fill its workers stops sending for all', async () => {
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

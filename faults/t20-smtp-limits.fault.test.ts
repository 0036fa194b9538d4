import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { expectUnharmed, UNHARMED_BOUND } from './src/expect-unharmed.ts'
import { addSenders, closeSenders, type Sender, trickle } from './src/fairness.ts'
import type { SmtpStage } from './src/fake-smtp-fault.ts'
import { SMTP_SESSIONS_MAX, smtpConnection } from './src/gateway.ts'
import { hurryOwnWaitsDuring } from './src/hurry-retries.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { sendMany } from './src/send-many.ts'
import { settle } from './src/settle.ts'
import type { SmtpProcess } from './src/smtp-process.ts'
import { addSmtp, type Stack, startStack } from './src/stack.ts'

/** How servers name a limit, since SMTP has no Retry-After. */
const LIMITS: { stage: SmtpStage; reply: string }[] = [
  { stage: 'greeting', reply: '421 4.7.0 Too many concurrent SMTP connections from this IP address' },
  { stage: 'mail', reply: '451 4.7.0 Sending rate limit exceeded, try again later' },
  { stage: 'rcpt', reply: '450 4.7.1 Error: too much mail, sending limit reached' },
  { stage: 'rcpt', reply: '450 4.7.28 Our system has detected an unusual rate of unsolicited mail' },
  { stage: 'dot', reply: '432 4.3.2 Concurrent connections limit exceeded' },
]
/** A reply about one mailbox that names a rate is no limit of the account. */
const MAILBOX = {
  stage: 'rcpt',
  reply: '450 4.2.1 The user is receiving mail at a rate that prevents more',
} as const
const EACH = Math.ceil(faultsCount(200) / LIMITS.length)
const OTHERS = 3
/** Waits of 1, 2 and 4 s fall into it. */
const WINDOW_MS = 6_000
/** All sessions at first, half of them after each pause, and a few more as they grow again. */
const CALLS_MAX = 2.5 * SMTP_SESSIONS_MAX
/** After this number of pauses in a row, and 1 s of the fourth. */
const PAUSE_MS_MAX = 8_000
const CONTROL_MS = 3_000
const CONTROL_EVERY_MS = 200
const ROOM = 8
const LATENCY_MS = 50
const CROWD = faultsCount(200)
let stack: Stack
let random: Random
let others: { senders: Sender[]; server: SmtpProcess }

beforeAll(async () => {
  random = announceSeed('T20 SMTP')
  stack = await startStack({ dailyLimit: 1_000_000 })
  const server = await addSmtp(stack)
  others = { server, senders: await addSenders(stack, OTHERS, smtpConnection(server.port)) }
}, 60_000)
afterAll(async () => {
  closeSenders(others?.senders ?? [])
  await stack?.[Symbol.asyncDispose]()
})

type Tenant = {
  id: string | null
  sender: Sender
  server: SmtpProcess
  send(count: number): Promise<unknown>
}

/** Tenants with a server each. */
async function addTenants(names: readonly string[]): Promise<Tenant[]> {
  return await Promise.all(
    names.map(async (name) => {
      const server = await addSmtp(stack)
      const [sender] = await addSenders(stack, 1, smtpConnection(server.port))
      if (!sender) throw new Error('no tenant was made')
      const id = fromPublicId('ten', sender.tenant.tenantId)
      return { id, sender, server, send: (count: number) => sendMany(sender.client, name, count) }
    }),
  )
}

async function timesAsked(tenants: readonly Tenant[]): Promise<number[]> {
  return await Promise.all(tenants.map(async ({ server }) => (await server.faults()).length))
}

type Pause = { tenant: string; ms: number; state: string }

/** Every connection that was ever paused, or does not work. */
async function readPauses(): Promise<Pause[]> {
  const { rows } = await stack.pool.query<Pause>({
    text: `select tenant_id as tenant, state, extract(epoch from paused_until - now())::float8 * 1000 as ms
           from connection_health where paused_until is not null or state <> 'closed'`,
  })
  return rows
}

test('T20 SMTP: a server that names a limit gets a pause of the right length and fewer sessions, and every mail is sent automatically', async () => {
  const limited = await addTenants(LIMITS.map((_, at) => `limited${at}`))
  const [mailbox, crowd] = await addTenants(['mailbox', 'crowd'])
  if (!mailbox || !crowd) throw new Error('no tenant was made')
  const clients = others.senders.map(({ client }) => client)
  await trickle(clients, { each: 4, withinMs: 500, prefix: 'warm-up', random })
  const idle = await trickle(clients, { each: 40, withinMs: 2_000, prefix: 'idle', random })
  const refuse = ({ stage, reply }: (typeof LIMITS)[number]) => ({
    rules: [{ fault: { stage, kind: 'reply', reply } as const }],
  })
  await Promise.all(limited.map(({ server }, at) => server.script(refuse(LIMITS[at] ?? MAILBOX))))
  await mailbox.server.script(refuse(MAILBOX))
  await crowd.server.script({ sessionsMax: ROOM, latencyMs: LATENCY_MS, rules: [] })

  const busy = trickle(clients, { each: 40, withinMs: WINDOW_MS - 1_000, prefix: 'busy', random })
  const sendAll = async () => {
    for (const { send } of [...limited, mailbox]) await send(EACH)
    await crowd.send(CROWD)
  }
  const window = Promise.all([sleep(WINDOW_MS), busy, sendAll()])
  await hurryOwnWaitsDuring(stack.pool, window)
  const calls = await timesAsked(limited)
  const pauses = await readPauses()
  await Promise.all([...limited, mailbox].map(({ server }) => server.script({ rules: [] })))
  const { verdict } = await hurryOwnWaitsDuring(stack.pool, settle(stack, 40_000))
  const [refusals = 0] = await timesAsked([crowd])

  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  // It was found out again and again whether it takes mail.
  expect(Math.min(...calls)).toBeGreaterThanOrEqual(3)
  expect(Math.max(...calls)).toBeLessThanOrEqual(CALLS_MAX)
  expect(refusals).toBeLessThanOrEqual(CALLS_MAX)
  expect(new Set(pauses.map(({ tenant }) => tenant))).toEqual(
    new Set([...limited, crowd].map(({ id }) => id)),
  )
  expect(Math.max(...pauses.map(({ ms }) => ms))).toBeLessThanOrEqual(PAUSE_MS_MAX)
  // No notification says that a connection does not work.
  expect((await stack.pool.query({ text: 'select type from connection_event' })).rows).toEqual([])
  const waits = await expectUnharmed({ idle, busy: await busy }, others.server)
  for (const { sender } of [...limited, mailbox, crowd]) sender.client.close()
  reportResult({
    test: 'T20 SMTP',
    fault: `${LIMITS.length} servers answer with a limit, in words or by 4.7.28, at ${new Set(LIMITS.map(({ stage }) => stage)).size} stages; one has room for ${ROOM} of ${SMTP_SESSIONS_MAX} sessions`,
    n: EACH * (LIMITS.length + 1) + CROWD,
    result: `${Math.max(...calls)} calls in ${WINDOW_MS / 1000} s at most, ${refusals} sessions too many; no circuit opened, all sent once, 0 lost, 0 repeats; ${waits}`,
    bound: `≤ ${CALLS_MAX} of either, pauses ≤ ${PAUSE_MS_MAX / 1000} s, 0 lost, 0 repeats, ${UNHARMED_BOUND}`,
  })
}, 120_000)

/** Opens a session and leaves it when the server refuses it. */
async function knock(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'data')
  socket.destroy()
}

test('T20 SMTP control: clients with independent retries call the server all the time', async () => {
  const server = await addSmtp(stack)
  const [limit = MAILBOX] = LIMITS
  await server.script({ rules: [{ fault: { ...limit, kind: 'reply' } }] })
  const endsAt = performance.now() + CONTROL_MS
  await inParallel(EACH, EACH, async () => {
    while (performance.now() < endsAt) {
      await knock(server.port)
      await sleep(CONTROL_EVERY_MS)
    }
  })
  const { length: calls } = await server.faults()
  expect(calls).toBeGreaterThan(CALLS_MAX)
  reportResult({
    test: 'T20 SMTP control',
    fault: `a client that tries each of ${EACH} mails again after ${CONTROL_EVERY_MS} ms`,
    n: EACH,
    result: `${calls} calls in ${CONTROL_MS / 1000} s`,
    bound: `> ${CALLS_MAX} calls`,
  })
}, 60_000)

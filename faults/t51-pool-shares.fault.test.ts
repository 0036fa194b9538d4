import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { createConnection, sesConnection, smtpConnection } from './src/gateway.ts'
import { hurryDuring, hurryOwnWaitsDuring } from './src/hurry-retries.ts'
import type { Verdict } from './src/oracle.ts'
import { freePort, waitUntil } from './src/ports.ts'
import { readDatabase } from './src/read-database.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { judgeStack, settle } from './src/settle.ts'
import {
  addPoolTenant,
  openPool,
  type PoolAccount,
  type PoolChoices,
  type PoolTenant,
  readPoolAccounts,
} from './src/shared-pool.ts'
import { addSmtp, type Stack, startStack } from './src/stack.ts'

/** Recipients a day on the pool, for each tenant, and the mails that each sends. */
const SHARE = 15
const MAILS = 25
const TENANTS_OF_A_KIND = Math.ceil(faultsCount(300) / 4 / MAILS)
const LATENCY_MS = 10
/** With a fail point, of the first worker. */
const LIVES = 3
/** Of the second worker, in each of the two parts. */
const KILLS = 2
/** Between taking a share and the fence, between the fence and the call, and between the provider's yes and the record. */
const FAILPOINT = [
  'after_pool_share:kill9:1/15',
  'after_fence_before_call:kill9:1/60',
  'after_provider_ack_before_db:kill9:1/60',
].join(',')

/**
 * `reject`, `hold`: the pool alone can carry the mail, and accept takes the shares. `failover`: an own connection is dead, so workers take the
 * shares, one message at a time.
 */
const kinds = {
  reject: { overflow: 'reject' },
  hold: { overflow: 'hold' },
  failover: { pool: 'last' },
} satisfies Record<string, PoolChoices>
type Kind = keyof typeof kinds

async function addKind(stack: Stack, kind: Kind): Promise<PoolTenant[]> {
  const tenants: PoolTenant[] = []
  for (let index = 0; index < TENANTS_OF_A_KIND; index++) {
    const tenant = await addPoolTenant(stack, SHARE, kinds[kind])
    if (kind === 'failover') {
      const nowhere = sesConnection(`http://127.0.0.1:${await freePort()}`)
      await createConnection(stack.apiUrl, tenant.apiKey, nowhere)
    }
    tenants.push(tenant)
  }
  return tenants
}

/** Each tenant sends its mails, those of all tenants mixed; answers how many of each were accepted. */
async function sendAll(tenants: readonly PoolTenant[], prefix: string, to: string): Promise<number[]> {
  const accepted = tenants.map(() => 0)
  await inParallel(tenants.length * MAILS, 24, async (index) => {
    const which = index % tenants.length
    const request = await tenants[which]?.client.sendUntilSettled({
      idempotencyKey: `t51-${prefix}-${index}`,
      to: [to],
    })
    if (request?.answers.at(-1)?.status === 202) accepted[which] = (accepted[which] ?? 0) + 1
  })
  return accepted
}

/** Kills the second worker at random moments of its lives, and watches the counters, until the deed is done; answers the highest counter. */
async function killDuring(stack: Stack, random: Random, deed: () => Promise<void>): Promise<number> {
  const [, second] = stack.workers
  let done = false
  let highest = 0
  const killing = (async () => {
    for (let kills = 0; kills < KILLS && !done; kills++) {
      await sleep(500 + random.below(3_000))
      const victim = second?.current()
      await victim?.kill('SIGKILL')
      while (!done && second?.current() === victim) await sleep(50)
    }
  })()
  const watching = (async () => {
    while (!done) {
      const text = 'select coalesce(max(pool), 0)::int4 as n from usage'
      const { rows } = await stack.pool.query<{ n: number }>({ text })
      highest = Math.max(highest, rows[0]?.n ?? 0)
      await sleep(50)
    }
  })()
  await deed().finally(() => {
    done = true
  })
  await Promise.all([killing, watching])
  return highest
}

/**
 * Compares the counters with what the provider of the pool took. Shares beyond that belong to messages of unknown outcome, which may have
 * been sent and keep them. Answers those that are counted for nothing, or not counted.
 */
async function findWrong(
  stack: Stack,
  tenants: readonly PoolTenant[],
  { unknown }: Verdict,
): Promise<{ id: string; counted: number; taken: number; unknown: number }[]> {
  const { messages } = await readDatabase(stack.pool)
  const owners = new Map(messages.map(({ id, tenantId }) => [id, tenantId]))
  const ownersOf = (ids: readonly (string | undefined)[]) =>
    countBy(ids.map((id) => owners.get(id ?? '') ?? 'nobody'))
  const taken = ownersOf((await stack.provider.ledger()).map(({ messageId }) => messageId))
  const unclear = ownersOf(unknown.map(({ id }) => id))
  return (await readPoolAccounts(stack, tenants))
    .map(({ id, counted }) => ({
      id,
      counted,
      taken: taken.get(id) ?? 0,
      unknown: unclear.get(id) ?? 0,
    }))
    .filter(({ counted, taken, unknown }) => counted < taken || counted > taken + unknown)
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Nothing that has a share still waits, and nothing waits while there is room: a share that was lost would leave both open. */
const isUsedUp = ({ counted, shares, open, waiting }: PoolAccount) =>
  open === 0 && counted === shares && (counted === SHARE || (counted < SHARE && waiting === 0))

async function giveOwnConnections(stack: Stack, tenants: readonly PoolTenant[]): Promise<void> {
  const own = await addSmtp(stack)
  for (const { apiKey } of tenants) await createConnection(stack.apiUrl, apiKey, smtpConnection(own.port))
}

test('T51: workers that are killed at random never send more by the shared pool than the shares of a day, and lose no share', async () => {
  const random = announceSeed('T51')
  await using stack = await startStack({
    dailyLimit: 100_000,
    workers: 2,
    providerLatencyMs: LATENCY_MS,
    expireLeases: true,
    workerFailpoints: Array(LIVES).fill(FAILPOINT),
    seed: random.seed,
  })
  await openPool(stack, stack.provider.url)
  const reject = await addKind(stack, 'reject')
  const full = [...reject, ...(await addKind(stack, 'hold')), ...(await addKind(stack, 'failover'))]

  const highest = await killDuring(stack, random, async () => {
    const accepted = await sendAll(full, 'full', 'user@example.net')
    expect(accepted).toEqual(full.map((_, index) => (index < reject.length ? SHARE : MAILS)))
    await waitUntil('every share to be used', 180_000, async () =>
      (await readPoolAccounts(stack, full)).every(isUsedUp),
    ).catch(() => undefined)
  })
  expect((await readPoolAccounts(stack, full)).filter((account) => !isUsedUp(account))).toEqual([])
  expect(highest).toBe(SHARE)
  expect(await findWrong(stack, full, await judgeStack(stack))).toEqual([])

  // Shares of messages that the pool cannot send now: their own connection comes, sends them, and the shares are free again.
  const returning = await addKind(stack, 'reject')
  await stack.provider.script({
    rules: [{ match: 'returning@', fault: { kind: 'status', status: 503, body: '{}' } }],
  })
  const returned = await Promise.all(
    returning.map(({ client }, tenant) =>
      Promise.all(
        Array.from({ length: SHARE }, (_, index) =>
          client.sendUntilSettled({
            idempotencyKey: `t51-returning-${tenant}-${index}`,
            to: ['returning@example.net'],
          }),
        ),
      ),
    ),
  )
  expect(returned.flat().every(({ answers }) => answers.at(-1)?.status === 202)).toBe(true)
  const before = await readPoolAccounts(stack, returning)
  expect(before.map(({ counted }) => counted)).toEqual(returning.map(() => SHARE))
  const heldBefore = (await readPoolAccounts(stack, full)).reduce((sum, { held }) => sum + held, 0)
  expect(heldBefore).toBe(TENANTS_OF_A_KIND * (MAILS - SHARE))
  const sent = performance.now()
  await giveOwnConnections(stack, [...full, ...returning])
  let verdict = await judgeStack(stack)
  await killDuring(stack, random, async () => {
    verdict = (await hurryOwnWaitsDuring(stack.pool, settle(stack, 240_000))).verdict
  })
  const releasedMs = Math.round(performance.now() - sent)

  expect({ ...verdict, unknown: [] }).toEqual({
    lost: [],
    repeated: [],
    unknown: [],
    overQuota: [],
    stuck: [],
  })
  expect(verdict.unknown.filter(({ id }) => !stack.inFlightAtDeaths.has(id))).toEqual([])
  const after = await readPoolAccounts(stack, [...full, ...returning])
  expect(await findWrong(stack, [...full, ...returning], verdict)).toEqual([])
  expect(after.filter(({ counted, shares, open, held }) => counted !== shares || open + held > 0)).toEqual([])
  const freed =
    returning.length * SHARE - after.slice(full.length).reduce((sum, { counted }) => sum + counted, 0)
  expect(freed).toBeGreaterThan(0)
  const deaths = stack.workers.reduce((sum, worker) => sum + worker.deaths(), 0)
  expect(deaths).toBeGreaterThan(2)
  reportResult({
    test: 'T51',
    fault: `two workers killed at random while ${full.length} tenants use up their shares of the pool (${SHARE} of ${MAILS} mails each); then all get a connection of their own`,
    n: stack.ledger.requests().length,
    result: `${deaths} kills; Σ shares at most ${highest}; all used; ${heldBefore} held mails sent ${releasedMs} ms after; ${freed} shares free again; 0 repeats, ${verdict.unknown.length} unknown of ${stack.inFlightAtDeaths.size} in flight`,
    bound: `never more than ${SHARE}, none lost, unknown only what was in flight at a kill`,
  })
}, 600_000)

test('T51 control: without the counter, workers send more than the shares of a day', async () => {
  announceSeed('T51 control')
  await using stack = await startStack({ dailyLimit: 100_000 })
  await openPool(stack, stack.provider.url)
  await stack.pool.query({
    text: `create or replace function take_pool_shares(asks pool_ask[], low uuid, high uuid)
           returns table (of_epoch bigint, verdict text, of_day date) language sql as
           $$ select k.epoch, 'counted', current_date from unnest(asks) k $$`,
  })
  const [tenant] = await addKind(stack, 'failover')
  if (!tenant) throw new Error('no tenant was made')
  await sendAll([tenant], 'control', 'user@example.net')
  const { verdict } = await hurryDuring(stack.pool, settle(stack, 60_000))
  const taken = await stack.provider.count()
  expect(await findWrong(stack, [tenant], verdict)).toMatchObject([{ counted: 0, taken: MAILS }])
  expect(taken).toBeGreaterThan(SHARE)
  reportResult({
    test: 'T51 control',
    fault: 'shares are granted and not counted',
    n: MAILS,
    result: `${taken} sent by the pool, ${SHARE} allowed`,
    bound: 'must exceed',
  })
}, 120_000)

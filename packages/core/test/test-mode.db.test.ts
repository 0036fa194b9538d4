import { readFile } from 'node:fs/promises'
import { newId } from '@lettergate/contracts/lib/ids'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createEgress } from '@lettergate/egress/egress'
import { createCapture } from '@lettergate/providers/capture/index'
import { sandboxNames } from '@lettergate/providers/capture/sandbox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAcceptor } from '../src/accept/index.ts'
import { createDeliverer, createRecorder } from '../src/deliver/index.ts'
import { claimMessages, FIRST_TENANT, promoteDue } from '../src/dispatch/index.ts'
import { noFailpoint } from '../src/lib/index.ts'
import { createEventApplier } from '../src/provider-events/index.ts'
import type { Router } from '../src/routing/index.ts'
import { buildMessage, noSecrets } from './build-message.ts'
import { buildTenant } from './rows.ts'

const GUIDE = new URL('../../../docs/guides/test-mode.md', import.meta.url)

type Life = { address: string; events: string[]; status: string }

/** The table of the guide. */
async function readLives(): Promise<Life[]> {
  const rows = (await readFile(GUIDE, 'utf8')).matchAll(/^\| `(\S+@\S+)` \| (.+) \| `(\w+)` \|$/gm)
  return [...rows].map(([, address = '', events = '', status = '']) => ({
    address,
    events: [...events.matchAll(/`(\S+)`/g)].map(([, type = '']) => type),
    status,
  }))
}

let db: TestDatabase
const errors: unknown[] = []
const onError = (error: unknown) => void errors.push(error)
let stop: () => Promise<void>
beforeAll(async () => {
  db = await createTestDatabase()
  const capture = createCapture()
  const egress = createEgress({ allow: [] })
  const router: Router = {
    route: async () => ({
      kind: 'candidates',
      rule: 'fallback',
      routeId: null,
      candidates: [
        { provider: capture, connectionId: null, connection: { id: 'c', credentials: {}, settings: {} } },
      ],
    }),
  }
  const deliverer = createDeliverer({
    pool: db.pool,
    tenants: db.tenants,
    router,
    egress,
    secrets: noSecrets,
    slots: 50,
    onError,
    recorder: createRecorder({ pool: db.pool, onError }),
    failpoint: noFailpoint,
    onAttempt: () => {},
  })
  const applier = createEventApplier({
    pool: db.pool,
    providers: { capture },
    failpoint: noFailpoint,
    onApplied: () => {},
    onForeign: () => onError(new Error('a captured message is its tenant’s own')),
    onError,
  })
  let isStopped = false
  async function run(): Promise<void> {
    while (!isStopped) {
      await promoteDue(db.pool, 1_000)
      const options = { depth: 200, afterTenant: FIRST_TENANT, tenantsMax: 50, leaseMs: 60_000 }
      const { claims } = await claimMessages(db.pool, options)
      await Promise.all(claims.map((claim) => deliverer.deliver(claim)))
      if (claims.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const running = run()
  applier.start()
  stop = async () => {
    isStopped = true
    await Promise.all([running, applier.stop()])
    await egress.close()
  }
})
afterAll(async () => {
  await stop()
  await db.drop()
  expect(errors).toEqual([])
})

async function read(messageId: string): Promise<Omit<Life, 'address'>[]> {
  const { rows } = await db.pool.query<Omit<Life, 'address'>>({
    text: `
      select p.status, array(
        select e.type from event e where e.message_id = p.message_id and e.position = p.position order by e.seq) as events
      from recipient p where p.message_id = $1 order by p.position`,
    values: [messageId],
  })
  return rows
}

test.each([
  ['each to a message of its own, with a test key', 'test', false],
  ['each to a message of its own, with a live key', 'live', false],
  ['all in one message', 'test', true],
] as const)(
  'the guide of test mode says what happens: %s',
  async (_, mode, isTogether) => {
    const lives = await readLives()
    expect(lives.map(({ address }) => address).sort()).toEqual(
      [
        ...[...sandboxNames, 'suppressed'].map((name) => `${name}@sandbox.lettergate.dev`),
        'anyone@example.net',
      ].sort(),
    )
    const tenantId = await buildTenant(db.pool)
    const acceptor = createAcceptor({
      pool: db.pool,
      newId,
      wakeWorkers: () => {},
      failpoint: noFailpoint,
      onError,
    })
    const to = lives.map(({ address }) => ({ address }))
    const messages = isTogether ? [buildMessage({ to })] : to.map((one) => buildMessage({ to: [one] }))
    const outcome = await acceptor.accept({ id: tenantId, mode }, { messages })
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind)
    const expected = lives.map(({ address: __, ...life }) => life)
    const readAll = async () => (await Promise.all(outcome.messages.map(({ id }) => read(id)))).flat()
    const isDone = (found: Omit<Life, 'address'>[]) =>
      found.every(({ events }, index) => events.length >= (expected[index]?.events.length ?? 0))
    let found = await readAll()
    while (!isDone(found) && errors.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      found = await readAll()
    }
    expect(found).toEqual(expected)
    const { rows } = await db.pool.query({
      text: 'select address from suppression where tenant_id = $1',
      values: [tenantId],
    })
    expect(rows).toEqual([])
  },
  30_000,
)

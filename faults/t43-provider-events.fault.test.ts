import { toPublicId } from '@lettergate/contracts/lib/ids'
import { notify } from '@lettergate/core/lib'
import { insertProviderEvents } from '@lettergate/core/provider-events'
import type { Pool } from '@lettergate/db/pool'
import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const MESSAGES = faultsCount(1_000)
const RECORDS = ['Delivery', 'Open', 'Click']
const PLACES = ['before_events_applied', 'after_events_applied_before_commit', 'after_events_commit']
/** Each place twice. */
const FAILPOINTS = [...PLACES, ...PLACES].map((place) => `${place}:kill9:1/3`)
const BATCH = 20
const FIRST_AT = Date.UTC(2026, 10, 1)

type Sent = { tenantId: string; id: string; connectionId: string; address: string }

async function listSent(pool: Pool): Promise<Sent[]> {
  const { rows } = await pool.query<Sent>({
    text: `select a.tenant_id as "tenantId", a.message_id as id, a.connection_id as "connectionId", r.address
           from attempt a join recipient r using (tenant_id, message_id) where a.outcome = 'accepted'`,
  })
  return rows
}

/** As Postmark reports it, and as the api stores it. */
function toRaw({ tenantId, id, connectionId, address }: Sent, record: string) {
  const at = new Date(FIRST_AT + RECORDS.indexOf(record) * 1_000).toISOString()
  const body = Buffer.from(
    JSON.stringify({
      RecordType: record,
      Recipient: address,
      MessageID: id,
      Metadata: { lg_id: toPublicId('msg', id) },
      DeliveredAt: at,
      ReceivedAt: at,
      OriginalLink: 'https://acme.example/',
    }),
  )
  return { tenantId, connectionId, provider: 'postmark', headers: '{}', body }
}

async function countLeft(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ left: number }>({
    text: 'select count(*)::int4 as left from provider_event_due',
  })
  return rows[0]?.left ?? 0
}

/** Messages by how many of their events are there: as many as reported, fewer, more; and those whose feed or status says otherwise. */
async function judge(pool: Pool) {
  const { rows } = await pool.query<{ whole: number; lost: number; doubled: number; odd: number }>({
    text: `
      select (count(*) filter (where found = $1 and kinds = $1))::int4 as whole, (count(*) filter (where kinds < $1))::int4 as lost,
             (count(*) filter (where found > kinds))::int4 as doubled, (count(*) filter (where fed <> found or status <> 'delivered'))::int4 as odd
      from (
        select r.status, count(e.seq) as found, count(distinct e.type) as kinds,
               (select count(*) from feed f join event x on x.message_id = f.message_id and x.seq = f.seq
                where f.message_id = r.message_id and x.source is not null) as fed
        from recipient r left join event e on e.message_id = r.message_id and e.source is not null
        group by r.message_id, r.status
      ) m`,
    values: [RECORDS.length],
  })
  return rows[0]
}

test('T43: a worker killed while events of providers stream in applies each of them once', async () => {
  const { seed } = announceSeed('T43')
  await using stack = await startStack({
    dailyLimit: MESSAGES,
    expireLeases: true,
    workerFailpoints: FAILPOINTS,
    seed,
  })
  await inParallel(MESSAGES, 32, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t43-${index}`, to: [`user${index}@example.net`] }),
  )
  await settle(stack, 120_000)
  const sent = await listSent(stack.pool)
  expect(sent).toHaveLength(MESSAGES)
  // Every second one twice, the second time in the opposite order: the others come back by nothing if they are lost.
  const raw = sent.flatMap((message) => RECORDS.map((record) => toRaw(message, record)))
  const reported = [...raw, ...raw.filter((_, index) => index % 2 === 0).toReversed()]
  for (let at = 0; at < reported.length; at += BATCH) {
    await insertProviderEvents(stack.pool, reported.slice(at, at + BATCH))
    await notify(stack.pool, [{ channel: 'lg_provider_event', payload: '' }])
  }
  await waitUntil('all events to be applied', 120_000, async () => (await countLeft(stack.pool)) === 0)
  const kills = stack.worker.deaths()
  expect(kills).toBeGreaterThan(0)
  const verdict = await judge(stack.pool)
  expect(verdict).toEqual({ whole: MESSAGES, lost: 0, doubled: 0, odd: 0 })
  reportResult({
    test: 'T43',
    fault: 'worker killed before, in and after the transaction that applies events of a provider',
    n: raw.length,
    result: `0 lost, 0 doubled at ${kills} kills; every second event reported twice`,
    bound: '0 lost, 0 doubled; statuses and feed say the same',
  })
}, 300_000)

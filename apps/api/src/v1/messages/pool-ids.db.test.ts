import { toPublicId } from '@lettergate/contracts/lib/ids'
import { sweepSteps } from '@lettergate/core/sweep'
import { buildPoolBed, proveDomains, taken } from '@lettergate/core/test/pool-bed'
import { rollUpConnections } from '@lettergate/core/usage'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
let bed: Awaited<ReturnType<typeof buildPoolBed>>
let key: string
beforeAll(async () => {
  api = await startTestApi()
  await proveDomains(api.db, 'acme.example')
})
beforeEach(async () => {
  await api.db.pool.query({ text: 'delete from connection' })
  await api.db.pool.query({ text: 'delete from data_key' })
  bed = await buildPoolBed(api.db, { place: 'first', own: taken })
  key = await api.addKey(bed.tenantId, ['messages:read', 'events:read', 'usage:read', 'audit:read'])
  return () => bed.stop()
})
afterAll(() => api.close())

const run = (text: string, ...values: unknown[]) => api.db.pool.query({ text, values })

/** Everything that a tenant can read about one message and its connections. */
async function readAll(): Promise<Record<string, string>> {
  const { rows } = await run('select id from message where tenant_id = $1', bed.tenantId)
  const id = toPublicId('msg', String(rows[0]?.id))
  const ofMessage = ['', '/attempts', '/explain', '/events'].map((path) => `/v1/messages/${id}${path}`)
  const paths = [...ofMessage, '/v1/messages', '/v1/events', '/v1/usage', '/v1/audit']
  const all: Record<string, string> = {}
  for (const path of paths) {
    const { status, text } = await api.call('GET', path, { key })
    expect(`${status} ${path}`).toBe(`200 ${path}`)
    all[path.replace(id, '{id}')] = text
  }
  return all
}

const wait = (why: string) => async () => {
  await run(
    `update outbox set state = 'waiting', wait_for = $2, wait_why = $3, wait_version = 1, due_at = now() + interval '1 hour' where tenant_id = $1`,
    ...[bed.tenantId, bed.ids.pool, why],
  )
}

const CASES: [string, () => Promise<unknown>, RegExp][] = [
  ['sent by the pool', () => bed.run(), /"last-answer".*The shared pool was used because/],
  [
    'sent by an own connection, since the pool used up its day',
    async () => {
      await run(`update connection set limits = '{"per_day": 1}' where id = $1`, bed.ids.pool)
      await run(
        `insert into connection_usage (tenant_id, connection_id, day, used) select tenant_id, id, usage_today(), 1 from connection where id = $1`,
        bed.ids.pool,
      )
      await bed.run()
      expect(bed.by()).toEqual(['own'])
    },
    /other connections were skipped/,
  ],
  [
    'lost with its worker while the pool sent it',
    async () => {
      await run(
        `update outbox set state = 'sending', epoch = nextval('claim_epoch'), attempts = 1, connection_id = $2, provider = 'shared',
         sending_at = now() - interval '2 minutes', lease_until = now() - interval '1 minute' where tenant_id = $1`,
        ...[bed.tenantId, bed.ids.pool],
      )
      await sweepSteps.giveUpLostSending({ pool: api.db.batch, repeatWindowMs: () => 0 })
      const { rows } = await run('select tenant_id from pool_message where connection_id = $1', bed.ids.pool)
      // Events of the provider find the tenant by this.
      expect(rows).toEqual([{ tenant_id: bed.tenantId }])
    },
    /"unknown"/,
  ],
  [
    'waiting for a rate of the pool',
    wait('rate'),
    /waits for the shared pool: .* add a connection of your own/,
  ],
  [
    'waiting for a pause of the pool',
    wait('paused'),
    /asked to pause this shared pool.* POST \/v1\/connections/,
  ],
  [
    'waiting for the circuit of the pool',
    wait('circuit'),
    /The shared pool failed repeatedly.* POST \/v1\/connections/,
  ],
  [
    'held without a share of the pool',
    async () => {
      await run(`update connection set enabled = false where id = $1`, bed.ids.own)
      await run('update usage set pool_limit = 0 where tenant_id = $1', bed.tenantId)
      await bed.changed()
      await bed.run()
    },
    /The message is held: .*pool.* Add a connection of your own/,
  ],
]

test.each(CASES)(
  'a tenant reads why its message is %s, and never the id of a connection of the pool',
  async (_, work, why) => {
    await bed.accept(['a@example.net'])
    await work()
    await rollUpConnections(api.db.batch, {
      daysAgo: 0,
      after: '00000000-0000-0000-0000-000000000000',
      limit: 100,
    })
    const all = await readAll()
    expect(all['/v1/messages/{id}/explain']).toMatch(why)
    for (const [path, text] of Object.entries(all)) {
      expect(`${path} ${text}`).not.toContain(toPublicId('con', bed.ids.pool))
      expect(`${path} ${text}`).not.toContain(bed.ids.pool)
      expect(`${path} ${text}`).not.toContain(toPublicId('con', '00000000-0000-0000-0000-000000000001'))
    }
  },
)

test('the feed can be filtered by the name that it shows for the pool', async () => {
  await bed.accept(['a@example.net'])
  await bed.run()
  const types = async (connection: string) => {
    const path = `/v1/events?cursor=beginning&connection=${connection}`
    const { json } = await api.call('GET', path, { key })
    return Object(json.data).map(({ type }: { type: string }) => type)
  }
  expect(await types('pool')).toEqual(['recipient.sent'])
  expect(await types(toPublicId('con', bed.ids.own))).toEqual([])
})

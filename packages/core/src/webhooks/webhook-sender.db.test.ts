import { createSecretKey } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'
import type { Got } from '../../test/receiver.ts'
import { buildTenant } from '../../test/rows.ts'
import { readDefaultSecret } from './default-secret.ts'
import { createEndpoint, deleteEndpoint, updateEndpoint } from './endpoints.ts'
import { listDeliveries } from './list-deliveries.ts'

const { db, playReceiver, endpointDeps, startSender, accept, happen, begin, request } = useCallbackBed()

/** The rows are locked in the order in which the sender locks them. */
const DUE_NOW =
  'update delivery set due_at = now() where id in (select id from delivery where tenant_id = $1 order by id for update)'

const types = (got: Got[]) => got.map(({ text }) => JSON.parse(text).type)

test('each event is sent once, signed, with what the feed says of it', async () => {
  const { receiver, tenantId, secret } = await begin({ headers: { authorization: 'Bearer x' } })
  startSender()
  const [id = ''] = await accept(tenantId)
  await happen(tenantId, id)
  await eventually(async () => (receiver.got.length >= 2 ? true : undefined))
  expect(types(receiver.got).sort()).toEqual(['message.accepted', 'recipient.delivered'])
  for (const { text, headers } of receiver.got) new Webhook(secret).verify(text, headers)
  expect(new Set(receiver.got.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
  expect(receiver.got[0]?.headers.authorization).toBe('Bearer x')
  const delivered = receiver.got.find(({ text }) => text.includes('recipient.delivered'))
  expect(JSON.parse(delivered?.text ?? '')).toMatchObject({
    type: 'recipient.delivered',
    timestamp: expect.any(String),
    data: { recipient: 'user@example.net', status: 'delivered', reason: 'ok', seq: expect.any(Number) },
  })
})

test('filters leave out other types, tags and streams', async () => {
  const { receiver, tenantId } = await begin({
    types: ['recipient.delivered'],
    tags: ['a'],
    streams: ['transactional'],
  })
  startSender()
  const [wanted = ''] = await accept(tenantId, 1, { tags: ['a', 'b'] })
  const [other = ''] = await accept(tenantId, 1, { tags: ['c'] })
  await happen(tenantId, other)
  await happen(tenantId, wanted, 'recipient.sent')
  await happen(tenantId, wanted)
  await eventually(async () => (receiver.got.length > 0 ? true : undefined))
  expect(receiver.got.map(({ text }) => JSON.parse(text).data.tags)).toEqual([['a', 'b']])
})

test('a call that failed is made again with the same id, and both are listed', async () => {
  const { receiver, tenantId, owner, deps, id } = await begin({ types: ['recipient.delivered'] })
  receiver.state.answer = (response) => void response.writeHead(500).end('not now')
  startSender()
  const [message = ''] = await accept(tenantId)
  await happen(tenantId, message)
  const cursorKey = { sign: createSecretKey(Buffer.alloc(32, 1)) }
  const listed = async (status?: 'pending') =>
    (await listDeliveries({ ...deps, cursorKey }, owner, id, { limit: 10, status })).deliveries
  const pending = await eventually(async () => {
    const deliveries = await listed('pending')
    return deliveries.length > 0 ? deliveries : undefined
  })
  expect(pending).toMatchObject([{ messageId: message, number: 1, status: 500, isOk: false }])
  expect(pending[0]?.nextAt).toBeInstanceOf(Date)
  receiver.state.answer = (response) => void response.writeHead(204).end()
  const due = `${DUE_NOW} and state = 'waiting'`
  await eventually(async () => {
    await db().pool.query({ text: due, values: [tenantId] })
    return receiver.got.length > 1 ? true : undefined
  })
  expect(receiver.got[1]?.headers['webhook-id']).toBe(receiver.got[0]?.headers['webhook-id'])
  const list = await eventually(async () => {
    const deliveries = await listed()
    return deliveries.length === 2 ? deliveries : undefined
  })
  expect(list).toMatchObject([
    { number: 2, status: 204, isOk: true, nextAt: null },
    { number: 1, status: 500, isOk: false, answer: 'not now' },
  ])
  const left = await db().pool.query({
    text: 'select from delivery where tenant_id = $1',
    values: [tenantId],
  })
  expect(left.rowCount).toBe(0)
  expect(await listed('pending')).toEqual([])
})

test('after three failures an endpoint is left alone, and goes on with nothing lost once it answers', async () => {
  const { receiver, tenantId } = await begin({ types: ['recipient.delivered'] })
  receiver.state.answer = (response) => void response.writeHead(503).end()
  startSender()
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < 30; event++) await happen(tenantId, message)
  const isPaused = async () => {
    const { rows } = await db().pool.query({
      text: 'select paused_until > now() as paused from endpoint_state where tenant_id = $1',
      values: [tenantId],
    })
    return rows[0]?.paused ? true : undefined
  }
  await eventually(isPaused)
  expect(receiver.got.length).toBeLessThanOrEqual(12)
  receiver.state.answer = (response) => void response.writeHead(200).end()
  const seen = () => new Set(receiver.got.slice(before).map(({ headers }) => headers['webhook-id'])).size
  const before = receiver.got.length
  await eventually(async () => {
    await db().pool.query({
      text: `with a as (update endpoint_state set paused_until = null where tenant_id = $1) ${DUE_NOW}`,
      values: [tenantId],
    })
    return seen() === 30 ? true : undefined
  })
})

test('an endpoint that answers 410 is disabled, with one event, and is not called again until it is enabled', async () => {
  const { receiver, tenantId, owner, deps, id } = await begin({ types: ['recipient.delivered'] })
  receiver.state.answer = (response) => void response.writeHead(410).end()
  startSender()
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < 5; event++) await happen(tenantId, message)
  await eventually(async () => {
    const { rows } = await db().pool.query({
      text: 'select enabled, disabled_reason from endpoint where tenant_id = $1',
      values: [tenantId],
    })
    return rows[0]?.enabled === false ? rows[0] : undefined
  })
  const { rows } = await db().pool.query({
    text: 'select type, data from account_event where tenant_id = $1',
    values: [tenantId],
  })
  expect(rows).toMatchObject([{ type: 'endpoint.disabled', data: { reason: 'The URL answered 410 Gone.' } }])
  const cursorKey = { sign: createSecretKey(Buffer.alloc(32)) }
  const listed = await listDeliveries({ ...deps, cursorKey }, owner, id, { status: 'pending', limit: 10 })
  expect(listed.deliveries[0]).toMatchObject({ status: 410, nextAt: null })
  receiver.state.answer = (response) => void response.writeHead(200).end()
  receiver.got.length = 0
  await updateEndpoint(deps, owner, id, { enabled: true })
  await eventually(async () => {
    await db().pool.query({
      text: DUE_NOW,
      values: [tenantId],
    })
    return new Set(receiver.got.map(({ headers }) => headers['webhook-id'])).size === 5 ? true : undefined
  })
})

test('a message’s own URL gets its events, signed with the default secret', async () => {
  const { receiver, tenantId, owner, deps, id } = await begin({ types: ['recipient.bounced'] })
  const { secrets } = await readDefaultSecret(deps, owner)
  startSender()
  const [message = ''] = await accept(tenantId)
  await db().pool.query({
    text: 'update message set callback_url = $2 where id = $1',
    values: [message, `${receiver.url}/own`],
  })
  await happen(tenantId, message)
  await eventually(async () =>
    receiver.got.some(({ text }) => text.includes('recipient.delivered')) ? true : undefined,
  )
  const got = receiver.got.find(({ text }) => text.includes('recipient.delivered'))
  expect(got?.path).toBe('/own')
  new Webhook(secrets[0]?.secret ?? '').verify(got?.text ?? '', got?.headers ?? {})
  await deleteEndpoint(deps, owner, id)
})

test('an endpoint that hangs holds up no other, and several events go in one call where it asks for that', async () => {
  const slow = await begin({ types: ['recipient.delivered'] })
  slow.receiver.state.answer = () => {}
  const quick = await playReceiver()
  const { secret } = await createEndpoint(slow.deps, slow.owner, {
    ...request,
    url: quick.url,
    types: ['recipient.delivered'],
    max_events: 10,
  })
  startSender()
  const [message = ''] = await accept(slow.tenantId)
  for (let event = 0; event < 25; event++) await happen(slow.tenantId, message)
  const events = () => quick.got.flatMap(({ text }) => JSON.parse(text))
  await eventually(async () => (events().length === 25 ? true : undefined))
  expect(slow.receiver.got.length).toBeLessThanOrEqual(8)
  for (const { text, headers } of quick.got) new Webhook(secret).verify(text, headers)
})

test('calls that fail together, as when a receiver restarts, bring the first pause and no later one', async () => {
  const { receiver, tenantId, id } = await begin()
  let asked = 0
  const held: (() => void)[] = []
  receiver.state.answer = (response) => {
    asked++
    held.push(() => void response.writeHead(503).end())
    if (asked >= 8) for (const end of held.splice(0)) end()
  }
  await accept(tenantId, 20)
  startSender()
  const found = await eventually(async () => {
    const { rows } = await db().pool.query<{ seconds: number; failures: number }>({
      text: `select failures, extract(epoch from paused_until - now())::float8 as seconds from endpoint_state
             where id = $1 and paused_until is not null`,
      values: [id],
    })
    return rows[0]
  })
  // Eight calls, and two that began before the third failure was known.
  expect(asked).toBeLessThanOrEqual(10)
  expect(found.failures).toBe(3)
  expect(found.seconds).toBeLessThanOrEqual(6)
})

test('events of a worker that was lost are sent once its lease runs out, though nothing new happens', async () => {
  const { receiver, tenantId, id } = await begin()
  await accept(tenantId)
  const lease = `update endpoint_state set epoch = nextval('claim_epoch'), lease_until = now() + $2 * interval '1 s' where id = $1`
  await db().pool.query({ text: lease, values: [id, 60] })
  const sender = startSender()
  await eventually(async () => (sender.counts().endpoints > 0 ? true : undefined))
  await db().pool.query({ text: lease, values: [id, -1] })
  await eventually(async () => (receiver.got.length >= 1 ? true : undefined))
  expect(types(receiver.got)).toEqual(['message.accepted'])
})

test('many hosts of one tenant that hang leave room for the deliveries of others', async () => {
  const slow = await playReceiver()
  slow.state.answer = () => {}
  const quick = await playReceiver()
  const port = new URL(slow.url).port
  async function deliver(urls: string[]): Promise<void> {
    const tenantId = await buildTenant(db().pool)
    const owner = { tenantId, mode: 'live' } as const
    await readDefaultSecret(endpointDeps(), owner)
    const [message = ''] = await accept(tenantId)
    await db().pool.query({
      text: `insert into delivery (id, tenant_id, mode, url, target, message_id, seq, type, is_bulk, state)
        select gen_random_uuid(), $1, 'live', url, md5(url)::uuid, $2, 0, 1, false, 'waiting' from unnest($3::text[]) url`,
      values: [tenantId, message, urls],
    })
  }
  await deliver(
    Array.from(
      { length: 300 },
      (_, host) => `http://127.0.${1 + Math.floor(host / 200)}.${1 + (host % 200)}:${port}/`,
    ),
  )
  startSender()
  await eventually(async () => (slow.got.length >= 32 ? true : undefined))
  await deliver([quick.url])
  await eventually(async () => (quick.got.length === 1 ? true : undefined))
  expect(slow.got.length).toBeLessThanOrEqual(64)
})

test('events that failed are sent as soon as their endpoint answers again', async () => {
  const { receiver, tenantId } = await begin({ types: ['recipient.delivered'] })
  receiver.state.answer = (response) => void response.writeHead(503).end()
  startSender()
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < 3; event++) await happen(tenantId, message)
  const failed = async () => {
    const { rows } = await db().pool.query({
      text: 'select count(*)::int4 as n from delivery where tenant_id = $1',
      values: [tenantId],
    })
    return rows[0]?.n === 3 ? true : undefined
  }
  await eventually(failed)
  // As after hours: their next attempts are far away, and the pause is over.
  await db().pool.query({
    text: `with a as (update delivery set due_at = now() + interval '20 hours' where tenant_id = $1)
           update endpoint_state set paused_until = null where tenant_id = $1`,
    values: [tenantId],
  })
  receiver.state.answer = (response) => void response.writeHead(200).end()
  receiver.got.length = 0
  await happen(tenantId, message)
  await eventually(async () =>
    new Set(receiver.got.map(({ headers }) => headers['webhook-id'])).size === 4 ? true : undefined,
  )
})

test('an endpoint that waits for more events gets them in one call, each with an id of its own, and keeps no other from its place', async () => {
  const { receiver, tenantId } = await begin({
    types: ['recipient.delivered'],
    max_events: 50,
    max_wait_ms: 1_500,
  })
  startSender()
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < 5; event++) await happen(tenantId, message)
  await eventually(async () => {
    const { rows } = await db().pool.query({
      text: 'select lease_until from endpoint_state where tenant_id = $1',
      values: [tenantId],
    })
    return rows[0]?.lease_until === null && receiver.got.length === 0 ? true : undefined
  })
  for (let event = 0; event < 5; event++) await happen(tenantId, message)
  await eventually(async () => (receiver.got.length > 0 ? true : undefined))
  const [first] = receiver.got.map(({ text }) => JSON.parse(text))
  expect(first).toHaveLength(10)
  expect(new Set(first.map(({ id }: { id: string }) => id)).size).toBe(10)
})

test('a call with a list of events that failed is made again with the same list and the same id', async () => {
  const { receiver, tenantId } = await begin({ types: ['recipient.delivered'], max_events: 50 })
  receiver.state.answer = (response) => void response.writeHead(500).end()
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < 5; event++) await happen(tenantId, message)
  startSender()
  const dueSoon = async (count: number) => {
    await db().pool.query({
      text: DUE_NOW,
      values: [tenantId],
    })
    return receiver.got.length >= count ? true : undefined
  }
  await eventually(() => dueSoon(2))
  receiver.state.answer = (response) => void response.writeHead(204).end()
  const before = receiver.got.length
  await eventually(() => dueSoon(before + 1))
  const [first, ...again] = receiver.got
  expect(JSON.parse(first?.text ?? '')).toHaveLength(5)
  for (const { text, headers } of again) {
    expect(headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(text).toBe(first?.text)
  }
  await eventually(async () => {
    const left = await db().pool.query({
      text: 'select from delivery where tenant_id = $1',
      values: [tenantId],
    })
    return left.rowCount === 0 ? true : undefined
  })
})

test('one slow call to a host holds up none of the other calls to it', async () => {
  const receiver = await playReceiver()
  receiver.state.answer = (response, { path }) => {
    if (path !== '/slow') response.writeHead(204).end()
  }
  const tenantId = await buildTenant(db().pool)
  await readDefaultSecret(endpointDeps(), { tenantId, mode: 'live' })
  const [message = ''] = await accept(tenantId)
  await db().pool.query({
    text: `insert into delivery (id, tenant_id, mode, url, target, message_id, seq, type, is_bulk, state, due_at)
      select gen_random_uuid(), $1, 'live', $3 || case n when 0 then '/slow' else '/' end, $1, $2, 0, 1, false, 'waiting',
             now() - (100 - n) * interval '1 s' from generate_series(0, 40) n`,
    values: [tenantId, message, receiver.url],
  })
  startSender()
  await eventually(async () => (receiver.got.length === 41 ? true : undefined))
})

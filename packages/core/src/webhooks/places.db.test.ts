import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'
import { buildTenant } from '../../test/rows.ts'
import { createEndpoint } from './endpoints.ts'

const { db, playReceiver, endpointDeps, startSender, accept, happen, begin, request } = useCallbackBed()

async function addEndpoints(tenantId: string, count: number, url: string): Promise<void> {
  const deps = endpointDeps()
  const owner = { tenantId, mode: 'live' } as const
  for (let number = 0; number < count; number++)
    await createEndpoint(deps, owner, {
      ...request,
      types: ['recipient.delivered'],
      url: `${url}/${tenantId}/${number}`,
    })
}

async function addEvents(tenantId: string, count: number): Promise<void> {
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < count; event++) await happen(tenantId, message)
}

test('many slow endpoints of some tenants leave a place for the endpoint of another', async () => {
  const slow = await playReceiver()
  slow.state.answer = () => {}
  for (let tenant = 0; tenant < 3; tenant++) {
    const tenantId = await buildTenant(db().pool)
    await addEndpoints(tenantId, 50, slow.url)
    await addEvents(tenantId, 4)
  }
  const { receiver, tenantId } = await begin({ types: ['recipient.delivered'] })
  startSender()
  await eventually(async () => (slow.got.length >= 64 ? true : undefined))
  await addEvents(tenantId, 1)
  await eventually(async () => (receiver.got.length === 1 ? true : undefined))
  const { rows } = await db().pool.query({
    text: 'select count(*)::int4 as ended from delivery_try where tenant_id <> $1',
    values: [tenantId],
  })
  expect(rows).toEqual([{ ended: 0 }])
})

test('endpoints with many events take turns', async () => {
  const EVENTS = 100
  const slow = await playReceiver()
  slow.state.answer = (response) => void setTimeout(() => response.writeHead(200).end(), 500)
  for (let tenant = 0; tenant < 2; tenant++) {
    const tenantId = await buildTenant(db().pool)
    await addEndpoints(tenantId, 50, slow.url)
    await addEvents(tenantId, EVENTS)
  }
  startSender()
  const calls = await eventually(async () => {
    const byEndpoint = Map.groupBy(slow.got, ({ path }) => path)
    return byEndpoint.size === 100 ? [...byEndpoint.values()].map(({ length }) => length) : undefined
  })
  expect(Math.max(...calls)).toBeLessThan(EVENTS)
})

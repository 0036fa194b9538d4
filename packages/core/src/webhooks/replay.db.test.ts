import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'
import { createEndpoint } from './endpoints.ts'
import { replayEvents } from './replay.ts'
import { disableEndpoint } from './sql/disable-endpoint.ts'

const { db, startSender, accept, happen, begin, request } = useCallbackBed()

test('events are replayed with the ids of the first time, and a dry run only counts', async () => {
  const { receiver, tenantId, owner, deps, id } = await begin()
  startSender()
  const [message = ''] = await accept(tenantId, 3)
  await happen(tenantId, message)
  await eventually(async () => (receiver.got.length === 4 ? true : undefined))
  const first = new Set(receiver.got.map(({ headers }) => headers['webhook-id']))
  const since = new Date(Date.now() - 60_000)
  const dry = { since, onlyFailed: false, isDryRun: true }
  await eventually(async () => ((await replayEvents(deps, owner, id, dry)).count === 4 ? true : undefined))
  expect(await replayEvents(deps, owner, id, { since, onlyFailed: true, isDryRun: false })).toMatchObject({
    count: 0,
  })
  receiver.got.length = 0
  expect(
    await replayEvents(deps, owner, id, { messageId: message, onlyFailed: false, isDryRun: false }),
  ).toMatchObject({ count: 2, hasMore: false })
  await eventually(async () => (receiver.got.length === 2 ? true : undefined))
  for (const { headers } of receiver.got) expect(first.has(headers['webhook-id'] ?? '')).toBe(true)
})

test('a replay makes what waits for a later attempt due now, and brings events of the account whatever the filters', async () => {
  const { receiver, tenantId, owner, deps, id } = await begin({
    types: ['recipient.delivered', 'endpoint.disabled'],
    tags: ['news'],
    max_events: 10,
  })
  const { endpoint: other } = await createEndpoint(deps, owner, { ...request, url: receiver.url })
  await disableEndpoint(db().tenants.forTenant(tenantId), { tenantId, id: other.id }, 'gone', '{}')
  const [message = ''] = await accept(tenantId, 1, { tags: ['news'] })
  for (let event = 0; event < 3; event++) await happen(tenantId, message)
  receiver.state.answer = (response) => void response.writeHead(500).end()
  startSender()
  await eventually(async () => {
    const { rowCount } = await db().pool.query({
      text: `update delivery set due_at = now() + interval '9 hours' where tenant_id = $1 and state = 'waiting' and attempts > 0`,
      values: [tenantId],
    })
    return rowCount === 4 ? true : undefined
  })
  receiver.state.answer = (response) => void response.writeHead(200).end()
  receiver.got.length = 0
  const since = new Date(Date.now() - 60_000)
  const dry = await replayEvents(deps, owner, id, { since, onlyFailed: true, isDryRun: true })
  expect(await replayEvents(deps, owner, id, { since, onlyFailed: true, isDryRun: false })).toEqual(dry)
  await eventually(async () => {
    const { rowCount } = await db().pool.query({
      text: 'select from delivery where tenant_id = $1',
      values: [tenantId],
    })
    return rowCount === 0 ? true : undefined
  })
  expect(receiver.got.flatMap(({ text }) => JSON.parse(text))).toHaveLength(dry.count)
})

import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'
import type { Got } from '../../test/receiver.ts'

const { db, startSender, accept, happen, begin } = useCallbackBed()

const row = `select state, attempts, lease_until > now() as held from delivery where tenant_id = $1`

test('a receiver that hangs on every 20th event gets the others meanwhile, and each event once', async () => {
  const { receiver, tenantId } = await begin({ types: ['recipient.delivered'] })
  const hanging: (() => void)[] = []
  receiver.state.answer = (response) => {
    if (receiver.got.length % 20 === 0) hanging.push(() => void response.writeHead(200).end())
    else response.writeHead(200).end()
  }
  const [message = ''] = await accept(tenantId)
  for (let event = 0; event < 120; event++) await happen(tenantId, message)
  startSender()
  const startedAt = Date.now()
  await eventually(async () => (receiver.got.length === 120 ? true : undefined))
  // Before the first call that hangs is given up.
  expect(Date.now() - startedAt).toBeLessThan(12_000)
  const held = await eventually(async () => {
    const { rows } = await db().pool.query({ text: row, values: [tenantId] })
    return rows.length === 6 ? rows : undefined
  })
  for (const one of held) expect(one).toEqual({ state: 'claimed', attempts: 0, held: true })
  for (const end of hanging) end()
  await eventually(async () => {
    const { rows } = await db().pool.query({
      text: `select count(*)::int4 as tries, (select count(*)::int4 from delivery where tenant_id = $1) as rows
             from delivery_try where tenant_id = $1 and number = 1 and status = 200`,
      values: [tenantId],
    })
    return rows[0]?.tries === 120 && rows[0]?.rows === 0 ? true : undefined
  })
  expect(new Set(receiver.got.map(({ headers }) => headers['webhook-id'])).size).toBe(120)
})

test.each([1, 10])(
  'slow calls with %i events that a worker leaves behind are made again by the next one',
  async (max_events) => {
    const { receiver, tenantId } = await begin({ types: ['recipient.delivered'], max_events })
    receiver.state.answer = () => {}
    const [message = ''] = await accept(tenantId)
    for (let event = 0; event < 2 * max_events; event++) await happen(tenantId, message)
    const first = startSender()
    await eventually(async () => {
      const { rows } = await db().pool.query({ text: row, values: [tenantId] })
      return rows.filter(({ held }) => held).length === 2 ? true : undefined
    })
    await first.stop(0)
    const { rows } = await db().pool.query({ text: row, values: [tenantId] })
    expect(rows).toEqual(Array(2 * max_events).fill({ state: 'waiting', attempts: 0, held: null }))
    const before = receiver.got.splice(0)
    expect(before).toHaveLength(2)
    receiver.state.answer = (response) => void response.writeHead(200).end()
    startSender()
    await eventually(async () => (receiver.got.length === 2 ? true : undefined))
    const calls = (got: Got[]) => new Map(got.map(({ headers, text }) => [headers['webhook-id'], text]))
    expect(calls(receiver.got)).toEqual(calls(before))
  },
)

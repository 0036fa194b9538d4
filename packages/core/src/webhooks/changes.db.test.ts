import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'
import { deleteEndpoint, rotateEndpointSecret, updateEndpoint } from './endpoints.ts'

const { db, playReceiver, startSender, accept, happen, begin } = useCallbackBed()

/** An endpoint with 30 events, or lists of events, whose first calls wait for `answer`. */
async function beginPage(calls = 8, max_events = 1) {
  const made = await begin({ types: ['recipient.delivered'], max_events })
  const waiting: (() => void)[] = []
  made.receiver.state.answer = (response) => void waiting.push(() => void response.writeHead(200).end())
  const [message = ''] = await accept(made.tenantId)
  for (let event = 0; event < 30 * max_events; event++) await happen(made.tenantId, message)
  startSender()
  await eventually(async () => (waiting.length === calls ? true : undefined))
  return {
    ...made,
    answer() {
      made.receiver.state.answer = (response) => void response.writeHead(200).end()
      for (const end of waiting) end()
    },
  }
}

/** A worker takes an endpoint for as it was no longer than this. */
const heardOf = () => sleep(3_000)

test.each([
  ['deleted', deleteEndpoint],
  ['disabled', (...[deps, owner, id]) => updateEndpoint(deps, owner, id, { enabled: false })],
] satisfies [string, (...args: Parameters<typeof deleteEndpoint>) => Promise<unknown>][])(
  'an endpoint that is %s while calls are under way gets no other',
  async (_, change) => {
    const { deps, owner, id, receiver, tenantId, answer } = await beginPage()
    await change(deps, owner, id)
    await heardOf()
    answer()
    await eventually(async () => {
      const { rowCount } = await db().pool.query({
        text: 'select from endpoint_state where tenant_id = $1 and lease_until is not null',
        values: [tenantId],
      })
      return rowCount === 0 ? true : undefined
    })
    await heardOf()
    expect(receiver.got).toHaveLength(8)
  },
)

// A page of 64 events is seven lists.
test.each([
  [8, 1],
  [7, 10],
])(
  'a URL or a secret that is changed while %i calls with %i events are under way holds for the next ones',
  async (calls, max_events) => {
    const { deps, owner, id, receiver, answer } = await beginPage(calls, max_events)
    const other = await playReceiver()
    await rotateEndpointSecret(deps, owner, id)
    await updateEndpoint(deps, owner, id, { url: other.url, max_events: 1 })
    await heardOf()
    answer()
    const seqs = () =>
      [...receiver.got, ...other.got].flatMap(({ text }) => [JSON.parse(text)].flat().map((e) => e.data.seq))
    await eventually(async () => (new Set(seqs()).size === 30 * max_events ? true : undefined))
    expect(seqs()).toHaveLength(30 * max_events)
    expect(receiver.got).toHaveLength(calls)
    for (const { headers } of other.got) expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
  },
)

import { createServer } from 'node:net'
import type { Policy } from '@lettergate/egress/guard'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'

/** 127.0.0.2 stands for a public address, 127.0.0.1 for one that must never be reached; the DNS gives them in turn. */
let asked = 0
/** Port and scheme alone would refuse the canary, and nothing would be shown: both are as those of a public host. */
const ports: Policy['ports'] = { http: [], https: [], smtp: [], 'smtp-plain': [] }
const { db, accept, begin, startSender, playReceiver } = useCallbackBed({
  allow: ['127.0.0.2'],
  policy: { ports },
  resolve: async () => [asked++ % 2 === 0 ? '127.0.0.2' : '127.0.0.1'],
})

test('T24: a name that changes its address between two calls never leads to a private one', async () => {
  const receiver = await playReceiver('127.0.0.2')
  // Each call needs a connection of its own, and so an answer of the DNS.
  receiver.state.answer = (response) => void response.writeHead(200, { connection: 'close' }).end()
  const port = Number(new URL(receiver.url).port)
  ports.http.push(port)
  let hits = 0
  const canary = createServer((socket) => {
    hits++
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(port, '127.0.0.1', resolve))
  const { tenantId, id } = await begin({
    url: `http://rebind.example.com:${port}/hook`,
    types: ['message.accepted'],
  })
  await accept(tenantId, 200)
  startSender()
  const count = async (condition: string) => {
    const { rows } = await db().pool.query<{ n: number }>({
      text: `select count(distinct message_id)::int4 as n from delivery_try where endpoint_id = $1 and ${condition}`,
      values: [id],
    })
    return rows[0]?.n ?? 0
  }
  await eventually(async () => {
    await db().pool.query({
      text: `with a as (update endpoint_state set paused_until = null, failures = 0 where id = $1)
             update delivery set due_at = now(), attempts = 1 where endpoint_id = $1 and state = 'waiting'`,
      values: [id],
    })
    return (await count('status = 200')) === 200 ? true : undefined
  })
  // The guard did refuse: without it, these calls would have reached the canary.
  expect(await count('status is null')).toBeGreaterThan(20)
  expect(hits).toBe(0)
  await new Promise((resolve) => canary.close(resolve))
})

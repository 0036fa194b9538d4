import { test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { useCallbackBed } from '../../test/callback-bed.ts'

const { db, startSender, accept, happen, begin } = useCallbackBed()

test.each([
  ['the repeat of a call', 0],
  ['a slow call', 1_500],
])('%s that answers with Retry-After is a wait of the endpoint as a whole', async (_, answerMs) => {
  const { receiver, tenantId } = await begin({ types: ['recipient.delivered'] })
  receiver.state.answer = (response) => {
    const isAsking = answerMs > 0 || receiver.got.length > 1
    setTimeout(() => response.writeHead(503, isAsking ? { 'retry-after': '3600' } : {}).end(), answerMs)
  }
  startSender()
  const [message = ''] = await accept(tenantId)
  await happen(tenantId, message)
  await eventually(async () => {
    await db().pool.query({
      text: "update delivery set due_at = now() where tenant_id = $1 and attempts = 1 and state = 'waiting'",
      values: [tenantId],
    })
    const { rowCount } = await db().pool.query({
      text: "select from endpoint_state where tenant_id = $1 and paused_until > now() + interval '50 minutes'",
      values: [tenantId],
    })
    return rowCount === 1 ? true : undefined
  })
})

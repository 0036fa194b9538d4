import { once } from 'node:events'
import { inParallel } from '@lettergate/faults/client'
import type { EventTarget } from '@lettergate/faults/provider-events'
import { Agent } from 'undici'

/* Posts events as a provider does, over its connections, as fast as they are taken, once it gets a second message. Ends with its parent. */

export type PostEvents = { target: EventTarget; bodies: readonly string[] }
export type Posted = { seconds: number; refused: number }

const CONNECTIONS = 32

process.once('disconnect', () => process.exit(0))
process.once('message', async ({ target: { url, password }, bodies }: PostEvents) => {
  const { origin, pathname: path } = new URL(url)
  const agent = new Agent({ connections: CONNECTIONS })
  const headers = {
    authorization: `Basic ${Buffer.from(`lettergate:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  }
  await once(process, 'message')
  const begun = performance.now()
  let refused = 0
  await inParallel(bodies.length, CONNECTIONS, async (index) => {
    const answer = await agent.request({ origin, path, method: 'POST', headers, body: bodies[index] ?? '' })
    await answer.body.dump()
    if (answer.statusCode !== 200) refused++
  })
  process.send?.({ seconds: (performance.now() - begun) / 1_000, refused } satisfies Posted)
})
process.send?.({ port: 0 })

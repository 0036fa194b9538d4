import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tenant } from '@lettergate/faults/gateway'
import { percentile } from '@lettergate/faults/percentile'
import { registerByHand } from '@lettergate/faults/provider-events'
import { type Figure, ratioFigure } from './figure.ts'
import { forkSink } from './fork-sink.ts'
import type { PostEvents, Posted } from './post-events-main.ts'
import { bodyOf, type Sent } from './postmark-event.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const EVENTS = 100_000
const DAYS = 4
const SENDS = { seconds: 30, perSecond: 100 }
const OVER_ALONE_AT_MOST = 1.2

/** How long each of the sends at a steady rate waited for its 202. */
async function sendSteadily({ apiUrl }: Gateway, key: string): Promise<number[]> {
  const send = async () => {
    const begun = performance.now()
    const response = await fetch(`${apiUrl}/v1/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        from: 'app@acme.example',
        to: 'user@example.net',
        subject: 'Hi',
        text: 'Hello',
      }),
    })
    const answer = await response.text()
    if (response.status !== 202) throw new Error(`a send was refused: ${answer}`)
    return performance.now() - begun
  }
  const waits: Promise<number>[] = []
  const start = performance.now()
  for (let at = 0; at < SENDS.seconds * SENDS.perSecond; at++) {
    await sleep(Math.max(0, start + (at * 1_000) / SENDS.perSecond - performance.now()))
    waits.push(send())
  }
  return Promise.all(waits)
}

/** A provider posts the burst as fast as the api takes it, and a worker applies it, while another tenant sends. */
export async function benchEventBurst(
  bed: TestBed,
  gateway: Gateway,
  tenant: Tenant,
  sent: readonly Sent[],
): Promise<Figure> {
  const bodies = Array.from({ length: DAYS }, (_, day) =>
    sent.map((message) => bodyOf(message, 'Open', day + 2)),
  )
    .flat()
    .slice(0, bed.count(EVENTS))
  const { apiKey } = await gateway.createTenant()
  const target = await registerByHand({ apiUrl: gateway.apiUrl, tenant })
  await using provider = await forkSink('post-events-main.ts')
  await using _ = await gateway.startWorker()
  // Given beforehand: making and reading so much holds both processes up.
  provider.child.send({ target, bodies } satisfies PostEvents)
  const warm = await sendSteadily(gateway, apiKey)
  const alone = await sendSteadily(gateway, apiKey)
  provider.child.send('post')
  const posting = once(provider.child, 'message')
  const beside = await sendSteadily(gateway, apiKey)
  const [{ seconds, refused }] = (await posting) as [Posted]
  const p99 = (waits: number[]) => percentile(waits, 99)
  return ratioFigure({
    name: 'answer to a send, p99, beside a burst of events of providers',
    ours: `${p99(beside).toFixed(1)} ms`,
    reference: `alone ${p99(alone).toFixed(1)} ms`,
    ratio: p99(beside) / p99(alone),
    bound: { atMost: OVER_ALONE_AT_MOST },
    note: `${bodies.length.toLocaleString('en')} events posted in ${seconds.toFixed(0)} s, ${refused} refused; ${SENDS.perSecond} sends a second; medians ${percentile(beside, 50).toFixed(1)} and ${percentile(alone, 50).toFixed(1)} ms, at first ${percentile(warm, 50).toFixed(1)} ms`,
  })
}

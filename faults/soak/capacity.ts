import { setTimeout as sleep } from 'node:timers/promises'
import { sendPiece, type Traffic } from './load.ts'
import type { SoakStack } from './soak-stack.ts'

/** Concurrent requests, and messages in progress: enough to keep everything busy, too few for a backlog. */
const PARALLEL = 96
const ON_THEIR_WAY_MAX = 2_000
const WARM_UP_MS = 8_000
const WINDOW_MS = 3_000
const WINDOWS = 5

export type Capacity = {
  /** Attempts a second: the middle of the windows. */
  perSecond: number
  lowest: number
  highest: number
  /** Requests that it took. */
  requests: number
}

/**
 * How much goes through end to end, with the soak's own traffic, clients and provider on the same machine. Clients ask as fast as
 * mail is sent: a measurement of accepting alone would leave a backlog.
 */
export async function measureCapacity(stack: SoakStack, traffic: Traffic): Promise<Capacity> {
  let [requests, handedOver, done] = [0, 0, false]
  const poll = async () => {
    for (; !done; await sleep(50)) handedOver = await stack.provider.count()
  }
  const runOne = async () => {
    while (!done) {
      const { outgoing, ...piece } = traffic(requests++, new Date())
      const { sendAt: _later, ...now } = outgoing
      await sendPiece(stack, { ...piece, outgoing: now })
      while (!done && stack.ledger.accepted() - handedOver > ON_THEIR_WAY_MAX) await sleep(5)
    }
  }
  const working = [poll(), ...Array.from({ length: PARALLEL }, runOne)]
  const rates: number[] = []
  await sleep(WARM_UP_MS)
  for (let window = 0; window < WINDOWS; window++) {
    const [start, before] = [performance.now(), await stack.provider.count()]
    await sleep(WINDOW_MS)
    rates.push(((await stack.provider.count()) - before) / ((performance.now() - start) / 1_000))
  }
  done = true
  await Promise.all(working)
  rates.sort((a, b) => a - b)
  return {
    perSecond: rates[Math.floor(WINDOWS / 2)] ?? 0,
    lowest: rates[0] ?? 0,
    highest: rates.at(-1) ?? 0,
    requests,
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { isSettled, promisedIds } from '../src/client-ledger.ts'
import type { SoakStack } from './soak-stack.ts'
import type { Piece } from './traffic.ts'

export type Traffic = (index: number, now: Date) => Piece

/** Sends one request until its client knows the result, and its repeats. */
export async function sendPiece(stack: SoakStack, piece: Piece): Promise<void> {
  const client = stack.clients[piece.tenant]
  if (!client) throw new Error(`no tenant ${piece.tenant}`)
  const { outgoing } = piece
  const waiting = stack.ledger.begin(describePiece(piece))
  const asking = client.sendUntilSettled(outgoing)
  const twin = piece.repeat === 'at-once' ? client.sendUntilSettled(outgoing) : undefined
  const request = await asking
  // The twin is the same request: what either was promised must be one message.
  if (twin) request.answers.push(...(await twin).answers)
  if (piece.repeat === 'later' && isSettled(request)) await client.askAgain(request, outgoing)
  const [id] = promisedIds(request)
  if (id !== undefined && outgoing.sendAt) stack.ledger.dueAt.set(id, outgoing.sendAt.getTime())
  stack.ledger.close(request, waiting)
}

function describePiece({ tenant, outgoing, repeat, attached }: Piece): string {
  return `${outgoing.idempotencyKey}: tenant ${tenant}, ${outgoing.to.length} to, ${attached} B attached, repeated ${repeat}`
}

export type Load = {
  /** Requests that were begun. */
  offered(): number
  setRate(perSecond: number): void
  /** Begins no more, and resolves when all have been answered. */
  stop(): Promise<void>
}

const TICK_MS = 5

/** Begins this number of requests a second, whether answers come or not: a gateway that stalls does not slow its clients. */
export function startLoad(
  stack: SoakStack,
  traffic: Traffic,
  options: { perSecond: number; from: number },
): Load {
  const sending = new Set<Promise<void>>()
  let [perSecond, offered, done] = [options.perSecond, 0, false]
  let failure: unknown
  const pace = async () => {
    let due = 0
    for (let last = performance.now(); !done; await sleep(TICK_MS)) {
      const now = performance.now()
      due += ((now - last) * perSecond) / 1_000
      last = now
      for (; due >= 1; due--) {
        const one = sendPiece(stack, traffic(options.from + offered++, new Date()))
          .catch((error: unknown) => {
            failure ??= error
          })
          .finally(() => sending.delete(one))
        sending.add(one)
      }
    }
  }
  const pacing = pace()
  return {
    offered: () => offered,
    setRate(rate) {
      perSecond = rate
    },
    async stop() {
      done = true
      await pacing
      await Promise.all(sending)
      if (failure) throw failure
    },
  }
}

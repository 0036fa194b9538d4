import { type ClientLedger, type ClientRequest, isSettled, promisedIds } from '../src/client-ledger.ts'

/**
 * The answers to the clients, for a million requests: of a request that ended correctly, only the promised id is kept.
 * 30 bytes a message instead of 700.
 */
export type SoakLedger = ClientLedger & {
  /** From here on the request waits for its answer. */
  begin(what: string): Waiting
  /** Its client will ask no more. */
  close(request: ClientRequest, waiting: Waiting): void
  /** How long the request that waits longest has been waiting. */
  oldestMs(): number
  waiting(): number
  /** Requests that were promised a message. */
  accepted(): number
  promised(): readonly string[]
  /** Requests that the oracle has to see completely: with more than one promised message, or without an answer. */
  requests(): readonly ClientRequest[]
  /** Answers by status; a 503 without Retry-After counts as -503. */
  statuses(): Readonly<Record<number, number>>
  /** The first answers that no client should get: anything but 202, 409, 429, and a 503 with Retry-After. */
  unexpected(): readonly string[]
  /** The requests that waited longest, longest first: for an analysis when requests hang. */
  slowest(): readonly Slow[]
  /** Scheduled messages: when they were to go. */
  dueAt: Map<string, number>
}

/** A request whose client waits: for what, and since when. */
export type Waiting = { number: number; what: string; since: number }

export type Slow = { what: string; at: string; waitedMs: number; answers: string[] }

const SLOWEST = 20
const UNEXPECTED_MAX = 20
/** 0: no answer came. */
const EXPECTED = new Set([0, 202, 409, 429, 503])

/** An empty one. */
export function createSoakLedger(): SoakLedger {
  const promised: string[] = []
  const odd: ClientRequest[] = []
  const statuses: Record<number, number> = {}
  const unexpected: string[] = []
  // A map keeps the order of insertion: its first is the oldest.
  const waitings = new Map<number, Waiting>()
  const slowest: Slow[] = []
  const dueAt = new Map<string, number>()
  let next = 0

  function noteSlow({ answers }: ClientRequest, { what, since }: Waiting): void {
    const waitedMs = Math.round(performance.now() - since)
    const least = slowest.at(-1)
    if (least && slowest.length === SLOWEST && waitedMs <= least.waitedMs) return
    const texts = answers.map(({ status, failure }) => `${status} ${failure ?? ''}`.trim())
    slowest.push({ what, at: new Date().toISOString(), waitedMs, answers: texts })
    slowest.sort((a, b) => b.waitedMs - a.waitedMs)
    slowest.length = Math.min(slowest.length, SLOWEST)
  }

  return {
    open: (idempotencyKey, recipients) => ({ idempotencyKey, recipients, answers: [] }),
    begin(what) {
      const waiting = { number: next++, what, since: performance.now() }
      waitings.set(waiting.number, waiting)
      return waiting
    },
    close(request, waiting) {
      waitings.delete(waiting.number)
      noteSlow(request, waiting)
      for (const { status, retryAfter, failure } of request.answers) {
        const key = status === 503 && retryAfter === undefined ? -503 : status
        statuses[key] = (statuses[key] ?? 0) + 1
        if (!EXPECTED.has(key) && unexpected.length < UNEXPECTED_MAX)
          unexpected.push(`${key} ${failure ?? ''}`)
      }
      const [id, second] = promisedIds(request)
      const isRefused = id === undefined && isSettled(request)
      if (id !== undefined && second === undefined) promised.push(id)
      else if (!isRefused) odd.push(request)
    },
    oldestMs() {
      const [first] = waitings.values()
      return first === undefined ? 0 : performance.now() - first.since
    },
    waiting: () => waitings.size,
    unexpected: () => unexpected,
    slowest: () => slowest,
    accepted: () => promised.length,
    promised: () => promised,
    requests: () => odd,
    statuses: () => statuses,
    dueAt,
  }
}

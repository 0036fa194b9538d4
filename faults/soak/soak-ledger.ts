import { type ClientLedger, type ClientRequest, isSettled, promisedIds } from '../src/client-ledger.ts'

/**
 * What the clients were told, for a million requests: of a request that ended as it should, the promised id is kept and
 * nothing else. 30 bytes a message instead of 700.
 */
export type SoakLedger = ClientLedger & {
  /** From here on the request waits for its answer. */
  begin(): () => void
  /** Its client will ask no more. */
  close(request: ClientRequest): void
  /** How long the request that waits longest has been waiting. */
  oldestMs(): number
  waiting(): number
  /** Requests that were promised a message. */
  accepted(): number
  promised(): readonly string[]
  /** What the oracle has to see whole: promised more than one message, or never told. */
  requests(): readonly ClientRequest[]
  /** Answers by status; a 503 that does not say when to come back counts as -503. */
  statuses(): Readonly<Record<number, number>>
  /** Scheduled messages: when they were to go. */
  dueAt: Map<string, number>
}

/** An empty one. */
export function createSoakLedger(): SoakLedger {
  const promised: string[] = []
  const odd: ClientRequest[] = []
  const statuses: Record<number, number> = {}
  // A map keeps the order of insertion: its first is the oldest.
  const since = new Map<number, number>()
  const dueAt = new Map<string, number>()
  let next = 0
  return {
    open: (idempotencyKey, recipients) => ({ idempotencyKey, recipients, answers: [] }),
    begin() {
      const number = next++
      since.set(number, performance.now())
      return () => void since.delete(number)
    },
    close(request) {
      for (const { status, retryAfter } of request.answers) {
        const key = status === 503 && retryAfter === undefined ? -503 : status
        statuses[key] = (statuses[key] ?? 0) + 1
      }
      const [id, second] = promisedIds(request)
      const isRefused = id === undefined && isSettled(request)
      if (id !== undefined && second === undefined) promised.push(id)
      else if (!isRefused) odd.push(request)
    },
    oldestMs() {
      const [first] = since.values()
      return first === undefined ? 0 : performance.now() - first
    },
    waiting: () => since.size,
    accepted: () => promised.length,
    promised: () => promised,
    requests: () => odd,
    statuses: () => statuses,
    dueAt,
  }
}

export type ClientAnswer = {
  /** Milliseconds since the epoch. */
  at: number
  /** 0: no answer came (refused, reset, timed out). */
  status: number
  /** From the first byte sent to the whole answer. */
  tookMs?: number
  /** The message id of a 202. */
  messageId?: string | undefined
  retryAfter?: string | undefined
  /** The problem's code, when it was refused. */
  code?: string | undefined
  failure?: string | undefined
}

/** All answers to one client request and its repeats under the same key. */
export type ClientRequest = { idempotencyKey: string; recipients: number; answers: ClientAnswer[] }

export type ClientLedger = {
  open(idempotencyKey: string, recipients: number): ClientRequest
  requests(): readonly ClientRequest[]
}

/** Keeps the answers that clients got: the promises by which the oracle judges the gateway. */
export function createClientLedger(): ClientLedger {
  const requests: ClientRequest[] = []
  return {
    open(idempotencyKey, recipients) {
      const request: ClientRequest = { idempotencyKey, recipients, answers: [] }
      requests.push(request)
      return request
    },
    requests: () => requests,
  }
}

/** The message ids that this request was promised: more than one is a fault of its own. */
export function promisedIds(request: ClientRequest): Set<string> {
  return new Set(request.answers.flatMap(({ messageId }) => messageId ?? []))
}

/** Whether the client knows where it stands: accepted, or refused for good. */
export function isSettled(request: ClientRequest): boolean {
  const last = request.answers.at(-1)
  return last !== undefined && last.status !== 0 && last.status !== 409 && last.status < 500
}

/** Answers by status; 0 stands for "no answer". */
export function countStatuses(requests: readonly ClientRequest[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { answers } of requests)
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

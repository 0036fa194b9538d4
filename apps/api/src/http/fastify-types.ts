import type { Principal, Scope } from '@lettergate/core/keys'

/** Settings that a route declares and plugins read. */
export type RouteConfig = {
  /** Scope that the caller's key needs. A route has this or `public`, or the app does not boot. */
  scope?: Scope
  /** `page`: for people, so each address has a limit of requests. */
  public?: true | 'page'
  /** Refuses test keys. */
  liveOnly?: true | undefined
  /** Its accepted answers go into the histogram of accept latency. */
  accepts?: true | undefined
  /** Takes messages; a large body of them is read and checked by another thread. */
  messages?: 'send' | 'batch' | undefined
  /** Waits for something else than the database by its nature, and has its own limit. */
  takesLong?: true | undefined
}

declare module 'fastify' {
  interface FastifyContextConfig extends RouteConfig {}
  interface FastifyRequest {
    /** Set on every route that has a scope. */
    principal: Principal | null
    /** Milliseconds on the monotonic clock. */
    arrivedAt: number
    /** How long the look at the key took. */
    keyCheckMs: number
    /** When the client is answered at the latest, on the same clock; set before the handler of a route that has such a bound. */
    answerBy: number
    /** Counts the answer under its route; null where no route matched. */
    countAnswer: ((status: number) => void) | null
    isAccept: boolean
    /** SHA-256 of the body as a JSON value and as bytes, when the request has an Idempotency-Key. */
    bodyHash: { ofValue: Buffer; ofBytes: Buffer } | null
    /** Length of the body as far as it was read. */
    bodyBytes: number
    /** Bytes of the body budget to release when the request is answered. */
    bodyBytesTaken: number
  }
}

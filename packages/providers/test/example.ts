import type { HttpResponse, SendOutcome } from '../src/provider.ts'
import type { KnownAnswers } from './known-answer.ts'

/** An answer as it is on the wire. A body that is no text is JSON. */
export type WireAnswer = { status?: string; headers?: readonly string[]; body: unknown }

/** Reads an answer to a message to these addresses. */
type Judge = (response: HttpResponse, now: Date, to: readonly string[]) => SendOutcome

type Refusal = readonly [status: number, body: object]

/** The parts of a provider with an API that tests and measurements of all providers need: `src/<id>/test/example.ts`. */
export type Example = {
  credentials: object
  /** Settings of each way to the API, such as its regions. The first is the usual one. */
  ways: readonly [object, ...object[]]
  /** Settings that lead to another address instead; absent: `base_url`. */
  addressed?(url: string): object
  /** Answers to what comes before the message, by the ends of their paths. */
  before?: Record<string, WireAnswer>
  /** The answer that accepts a message. */
  accepts: WireAnswer
  judge: Judge
  /** Readers of further answers, which must bear the same odd ones. */
  readsBesides?: readonly ((response: HttpResponse, now: Date) => unknown)[]
  /** The body of a refusal, as the provider writes it. */
  refusal(code: string, message: string): object
  /** A code that its table does not know; absent: none. */
  unknownCode?: string
  knownAnswers: readonly KnownAnswers[]
  /** Refusals of a message to a@x.example, b@x.example and c@x.example. Absent: it answers for each recipient. */
  refusesForOne?: {
    /** Because of one of them, without a name. */
    unnamed: readonly Refusal[]
    /** Because of b@x.example, by name. */
    named?: readonly Refusal[]
    /** Because of the message. */
    ofAll?: readonly Refusal[]
  }
}

export const token: WireAnswer = {
  body: { access_token: 'token-of-an-example', expires_in: 3599, token_type: 'Bearer' },
}

/** The usual settings, but to this address. */
export function settingsAt({ ways: [usual], addressed }: Example, url: string): object {
  return { ...usual, ...(addressed?.(url) ?? { base_url: url }) }
}

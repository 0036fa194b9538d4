import { isNetworkFailure, networkCode } from '../lib/http.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { HttpRequest, HttpResponse, Io, SendOutcome } from '../provider.ts'

type Step = (request: HttpRequest) => Promise<HttpResponse | SendOutcome>

/** The requests before the send request. They send no mail, so every failure of them may be retried. */
export type Steps = {
  /** To Graph, with the token. */
  graph: Step
  /** To an address that needs no token, and must not see ours. */
  upload: Step
  /** The outcome if the send request is interrupted now. */
  ifLate(): SendOutcome | null
  now(): Date
}

/**
 * They share two thirds of what is left of the call. The last third is for the order to send, since one that is cut off leaves an
 * unknown outcome, and for taking back a draft that is not sent.
 */
export function createSteps(io: Io, plainIo: Io): Steps {
  const finishMs = io.msLeft() / 3
  const leftMs = () => Math.floor(io.msLeft() - finishMs)
  const tooLate = toFailure('provider-unavailable', 'the draft could not be made in time')
  const stepBy =
    ({ request }: Pick<Io, 'request'>): Step =>
    async (asked) => {
      const timeoutMs = leftMs()
      if (timeoutMs <= 0) return tooLate
      try {
        return await request({ ...asked, timeoutMs })
      } catch (error) {
        if (!isNetworkFailure(error)) throw error
        return toFailure(error.bodySent ? 'provider-unavailable' : networkCode(error), error.reason)
      }
    }
  return {
    graph: stepBy(io),
    upload: stepBy(plainIo),
    ifLate: () => (leftMs() > 0 ? null : tooLate),
    now: io.now,
  }
}

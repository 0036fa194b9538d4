import { problemReport } from '../lib/account-problem.ts'
import { classOf } from '../lib/failures.ts'
import type { Secret } from '../lib/secret.ts'
import type { AccountReport, HttpRequest, HttpResponse, Io } from '../provider.ts'
import { adviceOn, type Grant, type TokenFailure, type Tokens, withoutToken } from './tokens.ts'

export type Login = { tokens: Tokens; key: string; grant: Grant }

/**
 * An `Io` whose requests carry an access token, or why there is none. A token that the API refuses is dropped, and
 * another one is tried once: a 401 comes before the API looks at the request, and without this each token that was revoked before its time
 * would cost as many deferrals as there are messages in progress, and count against the connection.
 */
export async function openWithToken(login: Login, io: Io): Promise<{ io: Io } | { failure: TokenFailure }> {
  const first = await login.tokens.get(login.key, login.grant, io)
  if ('failure' in first) return first
  let { token } = first
  return {
    io: {
      ...io,
      async request(request) {
        const response = await sendWith(token, request, io)
        if (response.status !== 401) return response
        login.tokens.drop(login.key, token)
        const other = await login.tokens.get(login.key, login.grant, io)
        if ('failure' in other) return withoutOther(other.failure, response)
        token = other.token
        const second = await sendWith(token, request, io)
        if (second.status === 401) login.tokens.drop(login.key, token)
        return second
      },
    },
  }
}

/** The refusal is sure, so that a token host which does not answer for now may be waited for: nothing was sent. */
function withoutOther({ code, reason }: TokenFailure, refusal: HttpResponse): HttpResponse {
  if (classOf(code).outcome !== 'deferred') return refusal
  throw Object.assign(new Error(reason), { reason, bodySent: false, refused: false })
}

async function sendWith(token: Secret, request: HttpRequest, io: Io): Promise<HttpResponse> {
  const headers = { ...request.headers, Authorization: `Bearer ${token.reveal()}` }
  const response = await io.request({ ...request, headers })
  if (response.status < 400) return response
  // Reasons are read from this text.
  return { ...response, body: Buffer.from(withoutToken(response.body.toString(), token)) }
}

/** Builds the report of an account that gives no token. */
export function toTokenReport(failure: TokenFailure): AccountReport {
  return problemReport(failure.code, failure.reason, adviceOn(failure))
}

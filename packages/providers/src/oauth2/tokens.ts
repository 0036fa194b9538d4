/**
 * Access tokens by OAuth 2.0 for providers that log in with them (Gmail, Microsoft 365, SMTP with XOAUTH2).
 * This file keeps tokens, grants.ts asks for them, answer.ts reads the answers, io.ts sends HTTP requests with them.
 *
 *     const tokens = createTokens()                             // one for each provider object, made in createX()
 *     const got = await tokens.get(connection.id, grant, io)    // one request for all concurrent callers
 *     if ('failure' in got) return toFailure(got.failure.code, got.failure.reason, got.failure.waitMs)
 *     got.token.reveal()                                        // only where it is sent
 *     tokens.drop(connection.id, got.token)                     // after the provider refused it (401, 535)
 *
 * - `get` never throws for what the network or the token host does, and every failure of it is safe: nothing was sent.
 *   It waits no longer than the first caller may, whose `io` sends the request.
 * - A token is kept until shortly before it expires by `io.now()`, and only for the grant that it was requested
 *   with: other credentials under the same key cause a new request, except a refresh token that replaced that of the grant (`since`).
 * - A refresh token that the answer replaces is reported by `io.replaceSecret`: the client must use the new one from then on
 *   (https://www.rfc-editor.org/rfc/rfc6749#section-6), and Microsoft ends each 90 days after it was given out.
 * - `drop` with a token leaves a newer one in place, so that many refusals of an old one cost one request.
 * - Reasons hold no secret of the grant and no part of an assertion. What a provider says about a request that carried a token
 *   goes through `withoutToken(text, token)` before it becomes a reason: core only knows the credentials.
 * - `targets()` of a provider must name the host of `grant.tokenUrl`; `adviceOn(failure)` says what a person should do.
 * - `privateKey` and `clientId` are the schemas of credentials that `secret()` cannot check.
 */

import { isSameSecret, type Secret } from '../lib/secret.ts'
import type { Io } from '../provider.ts'
import { requestToken, type TokenFailure } from './answer.ts'
import { type Grant, isSameGrant } from './grants.ts'

export { adviceOn } from './advice.ts'
export { type TokenFailure, withoutToken } from './answer.ts'
export { clientId, privateKey } from './credentials.ts'
export type { Grant } from './grants.ts'

export type TokenResult = { token: Secret } | { failure: TokenFailure }

export type Tokens = {
  /** A token that is valid now: cached, already requested, or requested by this call. */
  get(key: string, grant: Grant, io: Io): Promise<TokenResult>
  /** Forgets the token of this key; with `token`, only if it is still that one. */
  drop(key: string, token?: Secret): void
}

type Kept = { grant: Grant; token: Secret; goodUntilMs: number }
type Flight = { grant: Grant; result: Promise<TokenResult> }

const keptMax = 1_000
const marginMs = 60_000

/** A store of tokens, of which the least used go first. */
export function createTokens(max = keptMax): Tokens {
  const kept = new Map<string, Kept>()
  const flights = new Map<string, Flight>()

  function keep(key: string, one: Kept): void {
    kept.delete(key)
    kept.set(key, one)
    const [oldest] = kept.keys()
    if (kept.size > max && oldest !== undefined) kept.delete(oldest)
  }

  async function ask(key: string, grant: Grant, io: Io): Promise<TokenResult> {
    const askedMs = io.now().getTime()
    const answer = await requestToken(grant, io)
    if ('failure' in answer) return answer
    const { token, lifeMs, refreshToken } = answer
    keep(key, { grant, token, goodUntilMs: askedMs + Math.max(lifeMs - marginMs, lifeMs / 2) })
    if (grant.kind === 'refresh_token' && refreshToken && !isSameSecret(refreshToken, grant.refreshToken))
      io.replaceSecret(grant.refreshToken, refreshToken)
    return { token }
  }

  return {
    async get(key, grant, io) {
      const one = kept.get(key)
      if (one && isSameGrant(one.grant, grant) && io.now().getTime() < one.goodUntilMs) {
        keep(key, one)
        return { token: one.token }
      }
      const under = flights.get(key)
      if (under && isSameGrant(under.grant, grant)) return under.result
      const flight: Flight = { grant, result: ask(key, grant, io) }
      flights.set(key, flight)
      try {
        return await flight.result
      } finally {
        if (flights.get(key) === flight) flights.delete(key)
      }
    },
    drop(key, token) {
      if (token === undefined || kept.get(key)?.token === token) kept.delete(key)
    },
  }
}

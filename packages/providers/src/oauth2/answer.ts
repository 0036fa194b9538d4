import { z } from 'zod'
import { parseAnswer, toLine, toReason } from '../lib/answer.ts'
import type { FailureCode } from '../lib/failures.ts'
import { answerBytesMax, isNetworkFailure, networkCode, retryAfterMs } from '../lib/http.ts'
import { findRule, type Rule } from '../lib/rules.ts'
import { Secret, secret } from '../lib/secret.ts'
import type { HttpResponse, Io } from '../provider.ts'
import { type Grant, toTokenRequest } from './grants.ts'

/** Why there is no token; `reason` says so in the words of the token host. */
export type TokenFailure = { code: FailureCode; reason: string; waitMs?: number | undefined }

/** `refreshToken`: replaces the one of the request from now on; undefined: the old one stays. */
type Got = { token: Secret; lifeMs: number; refreshToken: Secret | undefined }

const usualSeconds = 300
const secondsMax = 86_400
/** Shorter ones are in every other word. */
const secretCharsMin = 4
/** A run of this many characters reveals a secret. */
const tellingChars = 16

// https://www.rfc-editor.org/rfc/rfc6749#section-5.1; tokens go into header fields.
const success = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  expires_in: z.coerce.number().positive().max(secondsMax).catch(usualSeconds),
  // Judged as one that a person gives: stored, any other would be refused when it is opened.
  refresh_token: secret('In the place of the one that was used').optional().catch(undefined),
})

// The first rule that fits decides: https://www.rfc-editor.org/rfc/rfc6749#section-5.2; AADSTS numbers are Microsoft's,
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
const rules: Rule[] = [
  { status: /429/, is: 'provider-rate-limited' },
  { message: /AADSTS50196\b/, is: 'provider-rate-limited' },
  { status: /408|5../, is: 'provider-unavailable' },
  { code: /temporarily_unavailable|server_error|internal_failure/, is: 'provider-unavailable' },
  { message: /AADSTS90033\b/, is: 'provider-unavailable' },
  // No such tenant, or no name of one.
  { message: /AADSTS(90002|900023)\b/, is: 'provider-settings-wrong' },
  { code: /invalid_scope|invalid_resource/, is: 'provider-permission-missing' },
  {
    code: /invalid_grant|invalid_client|unauthorized_client|consent|interaction_required|access_denied|disabled_client|deleted_client|policy/,
    is: 'provider-credentials-refused',
  },
  { status: /401|403/, is: 'provider-credentials-refused' },
  { is: 'provider-settings-wrong' },
]

/** Sends one request to the token host. */
export async function requestToken(grant: Grant, io: Io): Promise<Got | { failure: TokenFailure }> {
  const now = io.now()
  const { request, secrets } = toTokenRequest(grant, now)
  let response: HttpResponse
  try {
    response = await io.request({ answerBytesMax, ...request })
  } catch (error) {
    if (!isNetworkFailure(error)) throw error
    // A second request only gives another token: a missing answer does no harm.
    const code = error.refused ? networkCode(error) : 'provider-unreachable'
    return { failure: { code, reason: toReason('token host:', error.reason) } }
  }
  if (response.status < 200 || response.status >= 300)
    return { failure: toProviderError(response, secrets, now) }
  const { data } = success.safeParse(parseAnswer(response.body))
  return data
    ? {
        token: new Secret(data.access_token),
        lifeMs: data.expires_in * 1000,
        refreshToken: data.refresh_token,
      }
    : { failure: { code: 'provider-unavailable', reason: 'token host: success without a usable token' } }
}

function toProviderError(response: HttpResponse, secrets: string[], now: Date): TokenFailure {
  const answer = parseAnswer(response.body)
  const error = {
    status: response.status,
    code: toLine(answer.error),
    message: toLine(answer.error_description),
  }
  const said = toReason('token host:', error.status, error.code, error.message)
  const rule = findRule(rules, error)
  return {
    code: rule?.is ?? 'provider-settings-wrong',
    reason: secrets.reduce(redact, said),
    waitMs: retryAfterMs(response, now) ?? rule?.waitMs,
  }
}

/** The text of an answer without the token of its request: whole, or as a piece left by a cut. */
export function withoutToken(text: string, token: Secret): string {
  return redact(text, token.reveal())
}

function redact(text: string, value: string): string {
  if (value.length < secretCharsMin) return text
  const start = value.slice(0, tellingChars)
  return text
    .replaceAll(value, '***')
    .replace(/[A-Za-z0-9._~+/-]{16,}/g, (run) => (run.includes(start) || value.includes(run) ? '***' : run))
}

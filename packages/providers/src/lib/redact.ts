import type { AccountReport, SendOutcome } from '../provider.ts'
import { Secret } from './secret.ts'

const REDACTED = '***'
/** Shorter ones are in every other word; no provider gives such credentials out. */
const CHARS_MIN = 4
const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}={0,2}/g

/** The base64 text that a value always produces, for each of its three alignments. */
function base64Pieces(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2]
    .map((offset) => {
      const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
        .toString('base64')
        .replace(/={1,2}$/, '')
      const end = (offset + bytes.length) % 3 === 0 ? encoded.length : encoded.length - 1
      return encoded.slice(Math.ceil((offset * 4) / 3), end)
    })
    .filter((piece) => piece.length >= CHARS_MIN)
}

/** How many characters at the end of a text are the beginning of a value: reasons are cut before they come here. */
function cutOff(text: string, value: string): number {
  for (let chars = Math.min(value.length - 1, text.length); chars >= CHARS_MIN; chars--)
    if (text.endsWith(value.slice(0, chars))) return chars
  return 0
}

/** A text without these values, plain or in base64, whole or cut at its end. */
export function redact(text: string, values: readonly string[]): string {
  const pieces = values.flatMap(base64Pieces)
  const whole = values.reduce((rest, value) => rest.replaceAll(value, REDACTED), text)
  const cut = Math.max(0, ...values.map((value) => cutOff(whole, value)))
  const plain = cut > 0 ? whole.slice(0, -cut) + REDACTED : whole
  // The whole run, since what is left of it at both ends would be bits of the secret.
  return plain.replace(BASE64_RUN, (run, at: number) => {
    const standard = run.replaceAll('-', '+').replaceAll('_', '/')
    const isLast = at + run.length === plain.length
    return pieces.some((piece) => standard.includes(piece) || (isLast && cutOff(standard, piece) > 0))
      ? REDACTED
      : run
  })
}

/** Every secret in some credentials, at whatever depth. */
export function secretsIn(credentials: unknown): string[] {
  if (credentials instanceof Secret) return [credentials.reveal()]
  if (typeof credentials !== 'object' || credentials === null) return []
  return Object.values(credentials).flatMap(secretsIn)
}

function secretsToRedact(credentials: unknown): string[] {
  return secretsIn(credentials).filter((value) => value.length >= CHARS_MIN)
}

/**
 * Removes the credentials of a connection from the texts of its provider: reasons are stored and shown, and there are servers that
 * repeat a command, such as the one that logs in, in their refusal of it.
 */
export function withoutSecrets(outcome: SendOutcome, credentials: unknown): SendOutcome {
  if (outcome.kind === 'accepted' && outcome.refused === undefined) return outcome
  const values = secretsToRedact(credentials)
  if (values.length === 0) return outcome
  const said = 'reason' in outcome ? { ...outcome, reason: redact(outcome.reason, values) } : outcome
  if (!('refused' in said) || said.refused === undefined) return said
  const refused = said.refused.map((one) => ({ ...one, reason: redact(one.reason, values) }))
  return { ...said, refused }
}

/** The same for a provider's texts about the account. */
export function reportWithoutSecrets(report: AccountReport, credentials: unknown): AccountReport {
  const values = secretsToRedact(credentials)
  const redactText = (text: string) => redact(text, values)
  const { problem, identities } = report
  return {
    ...report,
    problem: problem && {
      code: problem.code,
      reason: redactText(problem.reason),
      advice: problem.advice.map(redactText),
    },
    notes: report.notes.map(redactText),
    // The address that logs in is shown on purpose: it may be used in From.
    ...(identities && { identities }),
  }
}

import { isFailureCode } from '@lettergate/contracts/problems/failure-codes'
import { classOf } from '@lettergate/providers/lib/failures'
import type { EarlierTry } from './sql/load-claimed.ts'

/** Tries that surely did not get through, of one connection; `code`: of the last of them. */
export type FailedTries = { connectionId: string | null; failed: number; code: string | null }

/** A recipient who goes alone, since a call with several was refused for the sake of one; `tries`: how often it did. */
export type SingleRecipient = { position: number; tries: number }

/** What a code that was stored means; nothing is known of one that a later version wrote. */
export function classOfStored(code: string | null) {
  return code !== null && isFailureCode(code) ? classOf(code) : null
}

/** Else it was not even begun, and counts for nothing. */
const isBegun = ({ code }: EarlierTry) => classOfStored(code)?.connection !== 'unasked'

const isForOthers = (code: string | null) => classOfStored(code)?.elsewhere !== undefined

function isFailed(one: EarlierTry): boolean {
  const { outcome, scope, code, passedOn } = one
  if (passedOn && passedOn.length > 0) return true
  return isBegun(one) && (outcome === 'deferred' || scope === 'account' || isForOthers(code))
}

export function failedTriesOf(tries: readonly EarlierTry[]): FailedTries[] {
  const found = new Map<string | null, FailedTries>()
  for (const { connectionId, code, passedOn } of tries.filter(isFailed)) {
    const failed = (found.get(connectionId)?.failed ?? 0) + 1
    found.set(connectionId, { connectionId, failed, code: code ?? passedOn?.[0]?.code ?? null })
  }
  return [...found.values()]
}

/** Whom a connection refused in words that nobody knows: another such refusal is final, and the same connection is asked last. */
export type Unrecognised = { connectionId: string | null; position: number }

export function unrecognisedOf(tries: readonly EarlierTry[]): Unrecognised[] {
  const isOnce = (code: string | null) => classOfStored(code)?.elsewhere === 'once'
  return tries.flatMap(({ connectionId, outcome, code, positions, passedOn }) => {
    const named = (passedOn ?? []).filter((one) => isOnce(one.code)).map(({ position }) => position)
    const all = outcome === 'rejected' && isOnce(code) ? [...positions, ...named] : named
    return [...new Set(all)].map((position) => ({ connectionId, position }))
  })
}

/**
 * Those whom calls with several did not reach, since the provider refused these for the sake of one without saying which. Those whom it
 * did name stand here as well: they have failed, so nobody asks.
 */
export function singleRecipientsOf(tries: readonly EarlierTry[]): SingleRecipient[] {
  const ofOne = tries.filter(
    ({ outcome, code, positions }) =>
      outcome === 'rejected' && positions.length > 1 && classOfStored(code)?.mayBeOneOfMany === true,
  )
  return [...new Set(ofOne.flatMap(({ positions }) => positions))].map((position) => ({
    position,
    tries: tries.filter((one) => one.positions.length === 1 && one.positions[0] === position && isBegun(one))
      .length,
  }))
}

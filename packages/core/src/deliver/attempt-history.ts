import { isFailureCode } from '@lettergate/contracts/problems/failure-codes'
import { classOf } from '@lettergate/providers/lib/failures'
import type { EarlierTry } from './sql/load-claimed.ts'

/** Attempts of one connection that certainly failed; `code`: of the last one. */
export type FailedTries = { connectionId: string | null; failed: number; code: string | null }

/** A recipient that needs a single call, because a call with several was refused because of one; `tries`: calls made so far. */
export type SingleRecipient = { position: number; tries: number }

/** Looks up the class of a stored code; null for one that a later version wrote. */
export function classOfStored(code: string | null) {
  return code !== null && isFailureCode(code) ? classOf(code) : null
}

/** Whether the attempt was made at all; otherwise it does not count. */
const isBegun = ({ code }: EarlierTry) => classOfStored(code)?.connection !== 'not-attempted'

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

/** A recipient refused with an unrecognised reply: a second such refusal is final, and the same connection is tried last. */
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
 * Lists recipients that need a call of their own: a call with several was refused over one of them, without naming it. Recipients that were
 * named are in the list too, which has no effect: they have failed.
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

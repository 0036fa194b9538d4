import type { Candidate } from '../connections/index.ts'
import { POOL_TARGET } from '../lib/index.ts'
import type { Incompatibility, Route, Rule } from '../routing/index.ts'
import { type Availability, waitReasons } from '../throttle/index.ts'
import { classOfStored, type FailedTries, type Unrecognised } from './attempt-history.ts'

type Candidates = Extract<Route, { kind: 'candidates' }>

/** Stored with the attempt: why this connection was chosen, and others were not. */
export type Choice = {
  rule: Rule | 'lost'
  route: string | null
  /** `connection` is 'pool' for one of the shared pool. */
  skipped: { connection: string; why: string }[]
  /** A connection of the shared pool was chosen. */
  pool?: true
  /** The call carries a single recipient, because a call with several was refused over one. */
  alone?: true
  /** Recipients refused by name and left to another connection, with the code. */
  passedOn?: { position: number; code: string }[]
}

export type Chosen =
  | { kind: 'use'; candidate: Candidate; choice: Choice; isProbe: boolean }
  | { kind: 'wait'; connectionId: string; why: 'paused' | 'circuit'; ms: number }
  | { kind: 'none'; reason: string }

/** Facts about the candidates of one message. */
export type View = {
  tries: readonly FailedTries[]
  /** Unrecognised refusals of pending recipients. */
  unrecognised: readonly Unrecognised[]
  availabilityOf(candidate: Candidate): Availability
  /** Why it cannot carry this message; null if it can. */
  incompatibilityOf(candidate: Candidate): Incompatibility | null
  now: number
}

/** A pause this short is waited for: another connection would be no faster. */
const SHORT_PAUSE_MS = 3_000

export function failedTries(tries: readonly FailedTries[], { connectionId }: Candidate): number {
  return tries.find((one) => one.connectionId === connectionId)?.failed ?? 0
}

const hasRefused = ({ connectionId }: Candidate, { unrecognised }: View) =>
  unrecognised.some((one) => one.connectionId === connectionId)

function whyNot(availability: Availability, now: number): string | null {
  if (availability.kind !== 'blocked') return null
  if (availability.why === 'circuit') return waitReasons.circuit
  if (availability.forMs <= SHORT_PAUSE_MS) return null
  return `${waitReasons.paused} until ${new Date(now + availability.forMs).toISOString()}`
}

/**
 * Chooses the first usable candidate of those with the fewest failed attempts of this message. Pure. If none is usable, the message waits
 * for the one that is available soonest.
 */
export function choose(route: Candidates, view: View): Chosen {
  const skipped: Choice['skipped'] = []
  const skip = ({ connectionId, ownerId }: Candidate, why: string) => {
    if (connectionId !== null)
      skipped.push({ connection: ownerId === undefined ? connectionId : POOL_TARGET, why })
  }
  const faults: string[] = []
  const able = route.candidates.filter((candidate) => {
    const incompatibility = view.incompatibilityOf(candidate)
    if (incompatibility === null) return true
    const text = `${incompatibility.pointer || 'the message'} ${incompatibility.detail}`
    faults.push(text)
    skip(candidate, `cannot send this message: ${text}`)
    return false
  })
  if (able.length === 0)
    return {
      kind: 'none',
      reason: `provider-required: no connection can send this message: ${faults[0]}`,
    }
  // A candidate that refused is chosen again only if no other is left.
  const isAnyLeft = able.some((candidate) => !hasRefused(candidate, view))
  const usable: { candidate: Candidate; availability: Availability; failed: number }[] = []
  let soonest: Extract<Chosen, { kind: 'wait' }> | null = null
  for (const candidate of able) {
    if (isAnyLeft && hasRefused(candidate, view)) {
      skip(candidate, 'an earlier attempt failed: refusal-unrecognised')
      continue
    }
    const availability = view.availabilityOf(candidate)
    const why = whyNot(availability, view.now)
    if (why === null) usable.push({ candidate, availability, failed: failedTries(view.tries, candidate) })
    else skip(candidate, why)
    if (why === null || availability.kind !== 'blocked' || candidate.connectionId === null) continue
    const { forMs } = availability
    if (!soonest || forMs < soonest.ms)
      soonest = { kind: 'wait', connectionId: candidate.connectionId, why: availability.why, ms: forMs }
  }
  const fewest = Math.min(...usable.map(({ failed }) => failed))
  const first = usable.find(({ failed }) => failed === fewest)
  if (!first)
    return (
      soonest ?? {
        kind: 'none',
        reason: 'provider-required: no connection can be used; enable one or add another',
      }
    )
  for (const { candidate, failed } of usable) {
    if (candidate === first.candidate) break
    if (failed > fewest) {
      const code = view.tries.find((one) => one.connectionId === candidate.connectionId)?.code
      skip(candidate, `an earlier attempt failed${code ? `: ${code}` : ''}`)
    }
  }
  const { candidate, availability } = first
  const { rule, routeId } = route
  return {
    kind: 'use',
    candidate,
    isProbe: availability.kind === 'probe',
    choice: { rule, route: routeId, skipped, ...(candidate.ownerId !== undefined && { pool: true }) },
  }
}

const foundTooMuch = ({ connectionId }: Candidate, { tries }: View) =>
  tries.some((one) => one.connectionId === connectionId && classOfStored(one.code)?.elsewhere === true)

/** The connections that may carry a message after a failed attempt. */
export type Others = {
  /** Another connection is ready and was not tried more often than this one. Only a ready one can take over: another call may take a probe. */
  hasOther: boolean
  /** Another connection, ready or not, has not refused this message as too large. */
  hasRoomier: boolean
  /** Another connection is ready and has not refused this message, with a recognised reply or another. */
  hasReady: boolean
}

export const NO_OTHERS: Others = { hasOther: false, hasRoomier: false, hasReady: false }

export function othersOf(route: Candidates, failed: Candidate, view: View): Others {
  const able = route.candidates.filter(
    (candidate) => candidate !== failed && view.incompatibilityOf(candidate) === null,
  )
  const ready = able.filter((candidate) => view.availabilityOf(candidate).kind === 'ready')
  const before = failedTries(view.tries, failed)
  const hasRoom = (candidate: Candidate) => !foundTooMuch(candidate, view)
  return {
    hasOther: ready.some((candidate) => failedTries(view.tries, candidate) <= before),
    hasRoomier: able.some(hasRoom),
    hasReady: ready.some((candidate) => hasRoom(candidate) && !hasRefused(candidate, view)),
  }
}

import type { Candidate } from '../connections/index.ts'
import type { CarryFault, Route, Rule } from '../routing/index.ts'
import { type Standing, waitReasons } from '../throttle/index.ts'
import { classOfStored, type FailedTries, type Unrecognised } from './attempt-history.ts'

type Candidates = Extract<Route, { kind: 'candidates' }>

/** Kept with the attempt: why this connection, and not one before it. */
export type Choice = {
  rule: Rule
  route: string | null
  skipped: { connection: string; why: string }[]
  /** Its recipient goes alone, since a call with several was refused for the sake of one. */
  alone?: true
  /** Whom it refused by name and left to another connection, and by which code. */
  passedOn?: { position: number; code: string }[]
}

export type Chosen =
  | { kind: 'use'; candidate: Candidate; choice: Choice; isProbe: boolean }
  | { kind: 'wait'; connectionId: string; why: 'paused' | 'circuit'; ms: number }
  | { kind: 'none'; reason: string }

/** What is known of the candidates of one message. */
export type View = {
  tries: readonly FailedTries[]
  /** Of those who wait: who refused whom in words that nobody knows. */
  unrecognised: readonly Unrecognised[]
  standingOf(candidate: Candidate): Standing
  /** Why it cannot carry this message; null if it can. */
  faultOf(candidate: Candidate): CarryFault | null
  now: number
}

/** So short a pause is waited for: another connection would be no faster. */
const SHORT_PAUSE_MS = 3_000

export function failedTries(tries: readonly FailedTries[], { connectionId }: Candidate): number {
  return tries.find((one) => one.connectionId === connectionId)?.failed ?? 0
}

const hasRefused = ({ connectionId }: Candidate, { unrecognised }: View) =>
  unrecognised.some((one) => one.connectionId === connectionId)

function whyNot(standing: Standing, now: number): string | null {
  if (standing.kind !== 'blocked') return null
  if (standing.why === 'circuit') return waitReasons.circuit
  if (standing.forMs <= SHORT_PAUSE_MS) return null
  return `${waitReasons.paused} until ${new Date(now + standing.forMs).toISOString()}`
}

/**
 * The first candidate that can be used now, of those with the fewest failed tries of this message. Pure. None that can be used:
 * the message waits for the one that may be used soonest.
 */
export function choose(route: Candidates, view: View): Chosen {
  const skipped: Choice['skipped'] = []
  const skip = ({ connectionId }: Candidate, why: string) => {
    if (connectionId !== null) skipped.push({ connection: connectionId, why })
  }
  const faults: string[] = []
  const able = route.candidates.filter((candidate) => {
    const fault = view.faultOf(candidate)
    if (fault === null) return true
    const text = `${fault.pointer || 'the message'} ${fault.detail}`
    faults.push(text)
    skip(candidate, `cannot send this message: ${text}`)
    return false
  })
  if (able.length === 0)
    return {
      kind: 'none',
      reason: `provider-required: no connection can send this message: ${faults[0]}`,
    }
  // One that refused for good is asked again only where nobody else is left.
  const isAnyLeft = able.some((candidate) => !hasRefused(candidate, view))
  const usable: { candidate: Candidate; standing: Standing; failed: number }[] = []
  let soonest: Extract<Chosen, { kind: 'wait' }> | null = null
  for (const candidate of able) {
    if (isAnyLeft && hasRefused(candidate, view)) {
      skip(candidate, 'an earlier attempt failed: refusal-unrecognised')
      continue
    }
    const standing = view.standingOf(candidate)
    const why = whyNot(standing, view.now)
    if (why === null) usable.push({ candidate, standing, failed: failedTries(view.tries, candidate) })
    else skip(candidate, why)
    if (why === null || standing.kind !== 'blocked' || candidate.connectionId === null) continue
    const { forMs } = standing
    if (!soonest || forMs < soonest.ms)
      soonest = { kind: 'wait', connectionId: candidate.connectionId, why: standing.why, ms: forMs }
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
  const { candidate, standing } = first
  const { rule, routeId } = route
  return {
    kind: 'use',
    candidate,
    isProbe: standing.kind === 'probe',
    choice: { rule, route: routeId, skipped },
  }
}

const foundTooMuch = ({ connectionId }: Candidate, { tries }: View) =>
  tries.some((one) => one.connectionId === connectionId && classOfStored(one.code)?.elsewhere === true)

/** Whether another candidate is left, ready or not, that has not itself found this message too much for it. */
export function hasRoomier(route: Candidates, failed: Candidate, view: View): boolean {
  return route.candidates.some(
    (candidate) => candidate !== failed && view.faultOf(candidate) === null && !foundTooMuch(candidate, view),
  )
}

/** Whether another candidate stands ready that has not refused this message itself, in known words or in others. */
export function hasReady(route: Candidates, failed: Candidate, view: View): boolean {
  return route.candidates.some(
    (candidate) =>
      candidate !== failed &&
      !hasRefused(candidate, view) &&
      !foundTooMuch(candidate, view) &&
      view.faultOf(candidate) === null &&
      view.standingOf(candidate).kind === 'ready',
  )
}

/**
 * Whether another candidate stands ready to take over at once after `failed` has failed safely. Only one that is sure to be usable
 * counts: a circuit that waits for its probe may turn out to be taken, and the message would come back to the one that failed.
 */
export function hasOther(route: Candidates, failed: Candidate, view: View): boolean {
  const before = failedTries(view.tries, failed)
  return route.candidates.some(
    (candidate) =>
      candidate !== failed &&
      failedTries(view.tries, candidate) <= before &&
      view.faultOf(candidate) === null &&
      view.standingOf(candidate).kind === 'ready',
  )
}

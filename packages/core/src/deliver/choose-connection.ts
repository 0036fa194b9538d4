import type { Candidate } from '../connections/index.ts'
import type { CarryFault, Route, Rule } from '../routing/index.ts'
import type { Availability } from '../throttle/index.ts'
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
  availabilityOf(candidate: Candidate): Availability
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

function whyNot(availability: Availability, now: number): string | null {
  if (availability.kind !== 'blocked') return null
  if (availability.why === 'circuit') return 'circuit open'
  if (availability.forMs <= SHORT_PAUSE_MS) return null
  return `paused until ${new Date(now + availability.forMs).toISOString()}`
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
  const able = route.candidates.filter((candidate) => {
    const fault = view.faultOf(candidate)
    if (fault !== null) skip(candidate, `cannot carry: ${fault.pointer || 'the message'} ${fault.detail}`)
    return fault === null
  })
  if (able.length === 0)
    return {
      kind: 'none',
      reason: `provider-required: no connection can carry this message: ${skipped[0]?.why}`,
    }
  // One that refused for good is asked again only where nobody else is left.
  const isAnyLeft = able.some((candidate) => !hasRefused(candidate, view))
  const usable: { candidate: Candidate; availability: Availability; failed: number }[] = []
  let soonest: Extract<Chosen, { kind: 'wait' }> | null = null
  for (const candidate of able) {
    if (isAnyLeft && hasRefused(candidate, view)) {
      skip(candidate, 'tried before: refusal-unrecognised')
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
  if (!first) return soonest ?? { kind: 'none', reason: 'provider-required: no connection can be used' }
  for (const { candidate, failed } of usable) {
    if (candidate === first.candidate) break
    if (failed > fewest) {
      const code = view.tries.find((one) => one.connectionId === candidate.connectionId)?.code
      skip(candidate, `tried before: ${code ?? 'failed'}`)
    }
  }
  const { candidate, availability } = first
  const { rule, routeId } = route
  return {
    kind: 'use',
    candidate,
    isProbe: availability.kind === 'probe',
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
      view.availabilityOf(candidate).kind === 'ready',
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
      view.availabilityOf(candidate).kind === 'ready',
  )
}

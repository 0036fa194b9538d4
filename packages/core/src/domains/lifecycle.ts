import type { DomainKeyRow, DomainRow, DomainState } from './domain-rows.ts'
import type { Judged } from './judge-record.ts'
import type { Wanted } from './wanted-records.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Checks of a domain that waits for its records: often at first, while a person looks on. */
const PENDING_STEPS = [
  { forMs: 10 * MINUTE, everyMs: MINUTE },
  { forMs: 2 * HOUR, everyMs: 5 * MINUTE },
  { forMs: 72 * HOUR, everyMs: 30 * MINUTE },
]
const PENDING_MS_MAX = 72 * HOUR
const VERIFIED_EVERY_MS = 12 * HOUR
/** Records that are gone at two checks this far apart are gone; a key seen at two is there. */
export const APART_MS = HOUR
export const GRACE_MS = 24 * HOUR
const UNANSWERED_EVERY_MS = 30 * MINUTE

export type DomainEvent = 'domain.verified' | 'domain.warned' | 'domain.failed'

/** The result of one check: what the row becomes. */
export type Change = Pick<
  DomainRow,
  'state' | 'reason' | 'pending_since' | 'verified_at' | 'gone_at' | 'warned_at' | 'failed_at'
> & { next_check_at: Date | null; event: DomainEvent | null }

export type Proof = 'there' | 'gone' | 'unknown'
export type JudgedRecord = { wanted: Wanted; judged: Judged }

/** A domain is proved by its ownership record or by any of its own keys. */
export function proofOf(records: readonly JudgedRecord[]): Proof {
  const proofs = records.filter(({ wanted: { kind } }) => kind === 'ownership' || kind === 'dkim')
  if (proofs.some(({ judged: { status } }) => status === 'verified')) return 'there'
  return proofs.some(({ judged: { status } }) => status === 'temporary_failure') ? 'unknown' : 'gone'
}

type Facts = { proof: Proof; now: number; isRotating: boolean; chance: number }

const FOUND_NOTHING = 'Its records were not found for 72 hours. Add them, and check again.'
const GONE = 'Neither its ownership record nor a DKIM key is in the DNS any more. Add one of them again.'

function whilePending(row: DomainRow, { now }: Facts): Change {
  const base = keep(row)
  const since = row.pending_since ?? new Date(now)
  const age = now - since.getTime()
  const step = PENDING_STEPS.find(({ forMs }) => age < forMs)
  if (step && age < PENDING_MS_MAX)
    return { ...base, state: 'pending', pending_since: since, next_check_at: new Date(now + step.everyMs) }
  return {
    ...base,
    state: 'failed',
    reason: FOUND_NOTHING,
    failed_at: new Date(now),
    pending_since: null,
    next_check_at: null,
    event: 'domain.failed',
  }
}

function keep(row: DomainRow): Change {
  const { state, reason, pending_since, verified_at, gone_at, warned_at, failed_at, next_check_at } = row
  const event = null
  return { state, reason, pending_since, verified_at, gone_at, warned_at, failed_at, next_check_at, event }
}

function whileGone(row: DomainRow, { now }: Facts): Change {
  const gone = {
    ...keep(row),
    gone_at: row.gone_at ?? new Date(now),
    next_check_at: new Date(now + APART_MS),
  }
  if (row.warned_at !== null && now - row.warned_at.getTime() >= GRACE_MS) return failedBy(row, GONE, now)
  if (row.warned_at !== null || row.gone_at === null || now - row.gone_at.getTime() < APART_MS) return gone
  return { ...gone, warned_at: new Date(now), reason: GONE, event: 'domain.warned' }
}

/** A domain that is lost. */
export function failedBy(row: DomainRow, reason: string, now: number): Change {
  return {
    ...keep(row),
    state: 'failed',
    reason,
    gone_at: null,
    warned_at: null,
    failed_at: new Date(now),
    next_check_at: null,
    event: 'domain.failed',
  }
}

/** What a check makes of a domain. Pure; `chance` spreads checks that began together. */
export function decide(row: DomainRow, facts: Facts): Change {
  const { proof, now, isRotating, chance } = facts
  const isVerified = row.state === 'verified'
  if (proof === 'there') {
    const everyMs = isRotating ? UNANSWERED_EVERY_MS : VERIFIED_EVERY_MS * (0.9 + 0.2 * chance)
    const next = new Date(now + Math.round(everyMs))
    const there = { ...keep(row), reason: null, gone_at: null, warned_at: null, next_check_at: next }
    if (isVerified) return there
    return {
      ...there,
      state: 'verified',
      pending_since: null,
      failed_at: null,
      verified_at: new Date(now),
      event: 'domain.verified',
    }
  }
  // Without an answer nothing changes, not even the clock of the grace.
  if (proof === 'unknown' && isVerified)
    return { ...keep(row), next_check_at: new Date(now + UNANSWERED_EVERY_MS) }
  return isVerified ? whileGone(row, facts) : whilePending(row, facts)
}

export type KeyChange = { id: string } & Pick<
  DomainKeyRow,
  'state' | 'seen_at' | 'activated_at' | 'retired_at'
>

const OLD_KEY_KEPT_MS = 30 * 24 * HOUR

/**
 * What a check makes of the keys. The first key of an algorithm signs as soon as its record is seen; a later one replaces it once it was
 * seen twice an hour apart, since mail is checked by whatever name server the receiver reaches. `ended`: nothing is left of them.
 */
export function decideKeys(
  keys: readonly DomainKeyRow[],
  seen: ReadonlyMap<string, Judged>,
  now: number,
): { changed: KeyChange[]; ended: string[] } {
  const changed: KeyChange[] = []
  const ended: string[] = []
  for (const key of keys) {
    const { id, state, seen_at, activated_at, retired_at } = key
    const judged = seen.get(id)
    if (!judged || judged.status === 'temporary_failure') continue
    const isThere = judged.status === 'verified'
    const base: KeyChange = { id, state, seen_at, activated_at, retired_at }
    if (state === 'old') {
      const age = now - (retired_at?.getTime() ?? now)
      if (age > OLD_KEY_KEPT_MS || (age > 7 * 24 * HOUR && !isThere)) ended.push(id)
      continue
    }
    if (state === 'active') continue
    if (!isThere) {
      if (seen_at !== null) changed.push({ ...base, seen_at: null })
      continue
    }
    const before = keys.find((one) => one.algorithm === key.algorithm && one.state === 'active')
    const isTwice = seen_at !== null && now - seen_at.getTime() >= APART_MS
    if (before && !isTwice) {
      if (seen_at === null) changed.push({ ...base, seen_at: new Date(now) })
      continue
    }
    changed.push({
      ...base,
      state: 'active',
      seen_at: seen_at ?? new Date(now),
      activated_at: new Date(now),
    })
    if (before) changed.push({ ...pickKey(before), state: 'old', retired_at: new Date(now) })
  }
  return { changed, ended }
}

function pickKey({ id, state, seen_at, activated_at, retired_at }: DomainKeyRow): KeyChange {
  return { id, state, seen_at, activated_at, retired_at }
}

export const isProved = (state: DomainState) => state === 'verified'

import { describe, expect, test } from 'vitest'
import type { DomainKeyRow, DomainRow } from './domain-rows.ts'
import type { Judged } from './judge-record.ts'
import { type Change, decide, decideKeys, type Proof } from './lifecycle.ts'

const START = Date.parse('2026-11-29T12:00:00Z')
const MINUTE = 60_000
const HOUR = 60 * MINUTE

function buildRow(change: Partial<DomainRow> = {}): DomainRow {
  return {
    id: '1',
    name: 'acme.example',
    token: 't',
    state: 'not_started',
    has_return_path: false,
    records: [],
    reason: null,
    revision: 0,
    created_at: new Date(START),
    updated_at: new Date(START),
    pending_since: null,
    checked_at: null,
    verified_at: null,
    gone_at: null,
    warned_at: null,
    failed_at: null,
    next_check_at: null,
    ...change,
  }
}

/** Checks by the schedule, with what each one finds at its time, until there is no next one. */
function live(row: DomainRow, find: (sinceMs: number) => Proof, untilMs: number) {
  const checks: { at: number; change: Change }[] = []
  let at = START
  let current = row
  while (at - START <= untilMs) {
    const change = decide(current, { proof: find(at - START), now: at, isRotating: false, chance: 0.5 })
    checks.push({ at: at - START, change })
    const { event: _event, ...rest } = change
    current = { ...current, ...rest }
    if (change.next_check_at === null) break
    at = change.next_check_at.getTime()
  }
  const events = checks.flatMap(({ at, change }) =>
    change.event ? [[Math.round(at / MINUTE), change.event]] : [],
  )
  return { checks, events, last: current }
}

describe('a domain that waits for its records', () => {
  test('is checked each minute for 10 minutes, each 5 minutes for 2 hours, each 30 minutes for 72 hours, and then fails', () => {
    const { checks, events, last } = live(buildRow(), () => 'gone', 1_000 * HOUR)
    const gaps = checks.slice(1).map(({ at }, index) => (at - (checks[index]?.at ?? 0)) / MINUTE)
    expect(gaps.filter((gap) => gap === 1)).toHaveLength(10)
    expect(gaps.filter((gap) => gap === 5)).toHaveLength(22)
    expect(gaps.filter((gap) => gap === 30)).toHaveLength(140)
    expect(events).toEqual([[72 * 60, 'domain.failed']])
    expect(last).toMatchObject({ state: 'failed', next_check_at: null })
  })

  test('is verified once, and then checked about twice a day', () => {
    const { checks, events } = live(buildRow(), (since) => (since < 3 * MINUTE ? 'gone' : 'there'), 40 * HOUR)
    expect(events).toEqual([[3, 'domain.verified']])
    expect(checks.slice(-1)[0]?.at).toBeGreaterThan(30 * HOUR)
  })
})

describe('a verified domain whose records vanish', () => {
  const verified = buildRow({ state: 'verified', verified_at: new Date(START - HOUR) })

  test('is warned at the second check an hour later, and lost 24 hours after that', () => {
    const { events, last } = live(verified, () => 'gone', 100 * HOUR)
    expect(events).toEqual([
      [60, 'domain.warned'],
      [60 + 24 * 60, 'domain.failed'],
    ])
    expect(last.state).toBe('failed')
  })

  test('stays verified while name servers do not answer, for however long', () => {
    const { events, last } = live(verified, () => 'unknown', 500 * HOUR)
    expect(events).toEqual([])
    expect(last).toMatchObject({ state: 'verified', gone_at: null })
  })

  test('is not lost by checks without an answer during the grace', () => {
    const { events } = live(verified, (since) => (since < 2 * HOUR ? 'gone' : 'unknown'), 100 * HOUR)
    expect(events).toEqual([[60, 'domain.warned']])
  })

  test('is as before when the records are back within the grace', () => {
    const { events, last } = live(verified, (since) => (since < 10 * HOUR ? 'gone' : 'there'), 60 * HOUR)
    expect(events).toEqual([[60, 'domain.warned']])
    expect(last).toMatchObject({ state: 'verified', warned_at: null, gone_at: null, reason: null })
  })

  test('that were gone at one check alone is not warned', () => {
    const { events } = live(verified, (since) => (since < HOUR ? 'gone' : 'there'), 60 * HOUR)
    expect(events).toEqual([])
  })
})

describe('keys', () => {
  const there: Judged = { status: 'verified', found: [], difference: null }
  const missing: Judged = { status: 'pending', found: [], difference: '' }
  const silent: Judged = { status: 'temporary_failure', found: [], difference: '' }
  const buildKey = (id: string, change: Partial<DomainKeyRow> = {}): DomainKeyRow => ({
    id,
    domain_id: 'd',
    algorithm: 'rsa',
    selector: id,
    public_key: '',
    state: 'new',
    created_at: new Date(START),
    seen_at: null,
    activated_at: null,
    retired_at: null,
    ...change,
  })
  const decideAt = (keys: DomainKeyRow[], seen: Record<string, Judged>, now = START) =>
    decideKeys(keys, new Map(Object.entries(seen)), now)
  const states = ({ changed }: ReturnType<typeof decideKeys>) =>
    Object.fromEntries(changed.map(({ id, state }) => [id, state]))

  test('the first key signs as soon as its record is there, not before', () => {
    expect(states(decideAt([buildKey('a')], { a: missing }))).toEqual({})
    expect(states(decideAt([buildKey('a')], { a: silent }))).toEqual({})
    expect(states(decideAt([buildKey('a')], { a: there }))).toEqual({ a: 'active' })
  })

  test('the next key takes over at the second sight an hour later, and the one before becomes old', () => {
    const active = buildKey('a', { state: 'active' })
    const first = decideAt([active, buildKey('b')], { a: there, b: there })
    expect(first.changed).toMatchObject([{ id: 'b', state: 'new', seen_at: new Date(START) }])
    const seen = buildKey('b', { seen_at: new Date(START) })
    expect(decideAt([active, seen], { a: there, b: there }, START + 59 * MINUTE).changed).toEqual([])
    const switched = decideAt([active, seen], { a: there, b: there }, START + HOUR)
    expect(states(switched)).toEqual({ a: 'old', b: 'active' })
  })

  test('a key that vanished between both sights begins again', () => {
    const keys = [buildKey('a', { state: 'active' }), buildKey('b', { seen_at: new Date(START) })]
    const { changed } = decideAt(keys, { a: there, b: missing }, START + HOUR)
    expect(changed).toMatchObject([{ id: 'b', state: 'new', seen_at: null }])
  })

  test('an old key ends when its record is gone after seven days, and after thirty days anyway', () => {
    const old = buildKey('a', { state: 'old', retired_at: new Date(START) })
    const endedAt = (days: number, judged: Judged) =>
      decideAt([old], { a: judged }, START + days * 24 * HOUR + 1).ended
    expect(endedAt(6, missing)).toEqual([])
    expect(endedAt(7, there)).toEqual([])
    expect(endedAt(7, missing)).toEqual(['a'])
    expect(endedAt(30, there)).toEqual(['a'])
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { databaseFailure, waitedForKeyOf } from '@lettergate/db/errors'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import type { Failpoint } from '../lib/index.ts'
import { ensureUsage, type QuotaState } from '../usage/index.ts'
import {
  type AcceptResult,
  type AcceptUnit,
  type AcceptVerdict,
  acceptEvery,
  acceptMessages,
  acceptUsual,
  type SuppressedRecipient,
} from './sql/accept-messages.ts'
import { findStored } from './sql/find-stored.ts'
import { insertAttachments } from './sql/insert-attachments.ts'
import { insertDocuments } from './sql/insert-documents.ts'
import { insertRaw } from './sql/insert-raw.ts'

export type Stored =
  | ({ kind: 'stored'; usage: QuotaState | null } & Pick<
      AcceptResult,
      'admitted' | 'now' | 'suppressed' | 'held'
    > & {
        /** These are not known any more of what an earlier try stored. */
        verdict?: AcceptVerdict
        counted?: number
        connectionsVersion?: number | null
      })
  | { kind: 'key-in-progress'; admitted: false }

/** Nothing is decided, and nothing written: the statement for every case comes next. */
type Undecided = { kind: 'undecided'; admitted: false }
type Written = Stored | Undecided

type StoreDeps = { pool: Pool; failpoint: Failpoint; onError: (error: unknown) => void }

/** A unit whose client has its answer, one way or the other, at `until` of `performance.now()`. */
export type TimedUnit = AcceptUnit & { until: number }

/** Answers the client of a unit while others of its batch are still undecided: they may wait until their deadline. */
type Answer = (unit: TimedUnit, stored: Stored | Error) => void
/** One statement for any number of units. */
type Step = { write(units: TimedUnit[]): Promise<Written[]>; answer: Answer }
type Accept = (db: Queryable, units: AcceptUnit[]) => Promise<(AcceptResult | null)[]>

/** An interrupted batch is tried again after these, the last of them again and again, until its clients are answered. */
const RETRY_DELAYS_MS = [10, 50, 200, 500]
/** A try that begins later than this before the end would most likely be one whose outcome nobody hears of. */
const TRY_MS_MIN = 50

class NotAdmitted extends Error {
  stored: Written
  constructor(stored: Written) {
    super('not admitted')
    this.stored = stored
  }
}

const isLate = ({ until }: TimedUnit): boolean => performance.now() > until - TRY_MS_MIN

function unavailable(error: unknown): Problem {
  const isFull = databaseFailure(error) === 'full'
  return new Problem('storage-unavailable', {
    detail: isFull
      ? 'The database is full. Nothing was accepted. Repeat the request later.'
      : 'The database did not answer in time. Repeat the request with the same Idempotency-Key: nothing is sent twice.',
    headers: { 'retry-after': isFull ? '30' : '2' },
    cause: error,
  })
}

/** Writes accepted units; makes sure that each is stored once, whatever happens to the connection meanwhile. */
export function createStore(deps: StoreDeps): {
  storeUnits(units: TimedUnit[], answer: Answer): Promise<(Stored | Error)[]>
  storeLarge(unit: TimedUnit, messages: NewMessage[]): Promise<Stored | Error>
} {
  /** A tenant's first request of a day finds no usage row: it is made, and those units run again. */
  async function admit(db: Queryable, units: AcceptUnit[], accept: Accept): Promise<Written[]> {
    const results = await accept(db, units)
    const missing = units.filter((_, index) => results[index]?.verdict === 'no-day')
    if (missing.length > 0) {
      await ensureUsage(
        deps.pool,
        missing.map((unit) => ({ id: unit.tenantId, mode: unit.mode })),
      )
      const again = await accept(db, missing)
      missing.forEach((unit, index) => {
        results[units.indexOf(unit)] = again[index] ?? null
      })
    }
    return results.map((result) =>
      result ? { kind: 'stored', ...result } : { kind: 'undecided', admitted: false },
    )
  }

  /**
   * After a lost connection nobody knows whether the commit happened: a fresh connection looks for the messages.
   * Should the lost statement commit later still, the retry meets the same primary keys and comes back here.
   */
  async function probe(units: AcceptUnit[]): Promise<(Stored | null)[]> {
    const keys = units.flatMap(({ tenantId, messages }) => messages.map(({ id }) => ({ tenantId, id })))
    const rows = await findStored(deps.pool, keys)
    const found = new Map(keys.map(({ id }, index) => [id, rows[index]]))
    return units.map(({ messages, requestId }) => {
      const now = found.get(requestId)?.createdAt
      if (!now) return null
      const ids = messages.map(({ id }) => id)
      const suppressedOf = (id: string) => found.get(id)?.suppressed ?? []
      return {
        kind: 'stored',
        admitted: true,
        usage: null,
        now,
        suppressed: ids.flatMap((id) =>
          suppressedOf(id).map((position): SuppressedRecipient => [id, position]),
        ),
        held: ids.filter((id) => found.get(id)?.isHeld),
      }
    })
  }

  /** Each part in a statement of its own; the answers come in the order of the units. */
  async function apart(
    step: Step,
    units: TimedUnit[],
    round: number,
    partOf: (unit: TimedUnit) => string,
  ): Promise<(Written | Error)[]> {
    const parts = [...Map.groupBy(units, partOf).values()]
    const answers = new Map<TimedUnit, Written | Error>()
    await Promise.all(
      parts.map(async (part) => {
        const results = await store(step, part, round)
        for (const [index, unit] of part.entries()) answers.set(unit, results[index] ?? unavailable(null))
        answerDecided(step.answer, part, results)
      }),
    )
    return units.map((unit) => answers.get(unit) ?? unavailable(null))
  }

  /** What a failed statement says about its units by itself; null: try again. */
  async function judge(
    step: Step,
    units: TimedUnit[],
    error: unknown,
    round: number,
  ): Promise<(Written | Error)[] | null> {
    const failure = databaseFailure(error)
    if (failure === 'full') return units.map(() => unavailable(error))
    // One request's fault must not fail the others of its batch.
    if (failure === 'query') {
      if (units.length > 1) return apart(step, units, round, ({ requestId }) => requestId)
      return [error instanceof Error ? error : new Error(String(error))]
    }
    if (failure !== 'locked') return null
    if (waitedForKeyOf(error, 'idempotency')) {
      if (units.length > 1) return apart(step, units, round, ({ requestId }) => requestId)
      // Later, the key may be held by our own first try, whose answer was lost.
      return round === 0 ? [{ kind: 'key-in-progress', admitted: false }] : null
    }
    // A tenant whose usage row is held keeps nobody else waiting.
    const tenants = new Set(units.map(({ tenantId }) => tenantId))
    return tenants.size > 1 ? apart(step, units, round, ({ tenantId }) => tenantId) : null
  }

  async function recover(
    step: Step,
    units: TimedUnit[],
    error: unknown,
    round: number,
  ): Promise<(Written | Error)[]> {
    const judged = await judge(step, units, error, round)
    if (judged) return judged
    await sleep(RETRY_DELAYS_MS[Math.min(round, RETRY_DELAYS_MS.length - 1)])
    if (units.every(isLate)) return units.map(() => unavailable(error))
    let found: (Stored | null)[]
    try {
      found = await probe(units)
    } catch (cause) {
      return recover(step, units, cause, round + 1)
    }
    const rest = units.filter((_, index) => !found[index])
    const again = rest.length > 0 ? await store(step, rest, round + 1) : []
    return found.map((stored) => stored ?? again.shift() ?? unavailable(error))
  }

  /** Whoever has been refused by now must not be stored after all: without a key, the repeat would be a second mail. */
  async function store(step: Step, units: TimedUnit[], round = 0): Promise<(Written | Error)[]> {
    const late = new Set(units.filter(isLate))
    if (late.size === 0) return storeInTime(step, units, round)
    const rest = units.filter((unit) => !late.has(unit))
    const results = rest.length > 0 ? await storeInTime(step, rest, round) : []
    return units.map((unit) => (late.has(unit) ? undefined : results.shift()) ?? unavailable(null))
  }

  async function storeInTime(step: Step, units: TimedUnit[], round: number): Promise<(Written | Error)[]> {
    try {
      await deps.failpoint('before_commit')
      const results = await step.write(units)
      await deps.failpoint('after_commit_before_reply')
      return results
    } catch (error) {
      if (error instanceof NotAdmitted) return [error.stored]
      deps.onError(error)
      return recover(step, units, error, round)
    }
  }

  /** On a connection of its own, since waiting for one may have taken all the time. */
  async function writeUnits(units: TimedUnit[], accept: Accept): Promise<Written[]> {
    const client = await deps.pool.connect()
    let broken: Error | undefined
    try {
      if (units.some(isLate)) throw unavailable(null)
      return await admit(client, units, accept)
    } catch (error) {
      if (databaseFailure(error) === 'unavailable')
        broken = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      client.release(broken)
    }
  }

  async function writeLarge(unit: TimedUnit, messages: NewMessage[]): Promise<Written> {
    return await inTransaction(deps.pool, async (client) => {
      for (const [index, { attachments }] of messages.entries()) {
        const row = unit.messages[index]
        if (!row || attachments.length === 0) continue
        await insertAttachments(
          client,
          { tenantId: unit.tenantId, id: row.id },
          attachments.map((attachment) => ({ ...attachment, contentId: attachment.contentId ?? null })),
        )
      }
      await insertRaw(client, unit.tenantId, unit.messages)
      await insertDocuments(client, unit.tenantId, unit.messages)
      await deps.failpoint('inside_accept')
      if (isLate(unit)) throw unavailable(null)
      // Last, so that the tenant's usage row is locked for one round trip only.
      const [stored] = await admit(client, [unit], (db, units) =>
        acceptMessages(db, units, { hasContent: true }),
      )
      if (!stored?.admitted) throw new NotAdmitted(stored ?? missingResult())
      return stored
    })
  }

  return {
    // Each statement is repeated, and looked for after a lost answer, by itself: a failure of the second one leaves the units of the first stored.
    async storeUnits(units, answer) {
      const step = (accept: Accept): Step => ({ write: (some) => writeUnits(some, accept), answer })
      const first = await store(step(acceptUsual), units)
      const rest = units.filter((_, index) => isUndecided(first[index]))
      if (rest.length === 0) return first.map(decided)
      answerDecided(answer, units, first)
      const second = await store(step(acceptEvery), rest)
      return first.map((written) => decided(isUndecided(written) ? second.shift() : written))
    },
    async storeLarge(unit, messages) {
      const step: Step = { write: async () => [await writeLarge(unit, messages)], answer: () => {} }
      const [written] = await store(step, [unit])
      return decided(written)
    },
  }
}

function answerDecided(answer: Answer, units: TimedUnit[], results: (Written | Error)[]): void {
  for (const [index, unit] of units.entries()) {
    const written = results[index]
    if (written && !isUndecided(written)) answer(unit, written)
  }
}

function isUndecided(written: Written | Error | undefined): written is Undecided {
  return written !== undefined && !(written instanceof Error) && written.kind === 'undecided'
}

function decided(written: Written | Error | undefined): Stored | Error {
  return written === undefined || isUndecided(written) ? missingResult() : written
}

function missingResult(): never {
  throw new Error('the accept statement answered nothing for its unit')
}

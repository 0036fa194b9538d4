import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '@lettergate/contracts/problems'
import type { NewMessage } from '@lettergate/contracts/send-request'
import { databaseFailure } from '@lettergate/db/errors'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { type AcceptUnit, acceptMessages } from '@lettergate/db/sql/accept-messages'
import { ensureUsage } from '@lettergate/db/sql/ensure-usage'
import { insertAttachments } from '@lettergate/db/sql/insert-attachments'
import { probeAccepted } from '@lettergate/db/sql/probe-accepted'
import type { Failpoint } from './failpoint.ts'

export type Stored =
  | {
      kind: 'stored'
      admitted: boolean
      used: number | null
      limit: number | null
      now: Date
      resetSeconds: number
    }
  | { kind: 'key-in-progress'; admitted: false; used: null; limit: null; now: Date; resetSeconds: number }

type StoreDeps = { pool: Pool; failpoint: Failpoint; onError: (error: unknown) => void }

type Write = (units: AcceptUnit[]) => Promise<Stored[]>

/** How long an interrupted batch is tried again before its requests are refused. */
const RETRY_DELAYS_MS = [10, 50, 200, 500, 1_000, 1_000]

class NotAdmitted extends Error {
  stored: Stored
  constructor(stored: Stored) {
    super('not admitted')
    this.stored = stored
  }
}

function unavailable(error: unknown): Problem {
  const isFull = databaseFailure(error) === 'full'
  return new Problem('storage-unavailable', {
    detail: isFull
      ? 'The storage is full; nothing was accepted. Try again later.'
      : 'The storage did not answer in time. Try again with the same Idempotency-Key: nothing will be sent twice.',
    headers: { 'retry-after': isFull ? '30' : '2' },
    cause: error,
  })
}

/** Writes accepted units; makes sure that each is stored once, whatever happens to the connection meanwhile. */
export function createStore(deps: StoreDeps): {
  storeUnits(units: AcceptUnit[]): Promise<(Stored | Error)[]>
  storeWithAttachments(unit: AcceptUnit, messages: NewMessage[]): Promise<Stored | Error>
} {
  /** A tenant's first request of a day finds no usage row: it is made, and those units run again. */
  async function admit(db: Queryable, units: AcceptUnit[]): Promise<Stored[]> {
    const results = await acceptMessages(db, units)
    const missing = units.filter((_, index) => results[index]?.used === null)
    if (missing.length > 0) {
      await ensureUsage(
        deps.pool,
        missing.map((unit) => ({ id: unit.tenantId, mode: unit.mode })),
      )
      const again = await acceptMessages(db, missing)
      missing.forEach((unit, index) => {
        const result = again[index]
        if (result) results[units.indexOf(unit)] = result
      })
    }
    return results.map((result) => ({ kind: 'stored', ...result }))
  }

  /**
   * After a lost connection nobody knows whether the commit happened: a fresh connection looks for the messages.
   * Should the lost statement commit later still, the retry meets the same primary keys and comes back here.
   */
  async function probe(units: AcceptUnit[]): Promise<(Stored | null)[]> {
    const dates = await probeAccepted(
      deps.pool,
      units.map((unit) => ({ tenantId: unit.tenantId, id: unit.requestId })),
    )
    return dates.map(
      (now) => now && { kind: 'stored', admitted: true, used: null, limit: null, now, resetSeconds: 0 },
    )
  }

  async function alone(write: Write, units: AcceptUnit[]): Promise<(Stored | Error)[]> {
    return (await Promise.all(units.map((unit) => store(write, [unit])))).flat()
  }

  async function recover(
    write: Write,
    units: AcceptUnit[],
    error: unknown,
    round: number,
  ): Promise<(Stored | Error)[]> {
    const failure = databaseFailure(error)
    if (failure === 'query' || failure === 'locked') {
      // One request's fault must not fail the others of its batch.
      if (units.length > 1) return alone(write, units)
      if (failure === 'query') return [error instanceof Error ? error : new Error(String(error))]
      if (units[0]?.idempotency)
        return [
          {
            kind: 'key-in-progress',
            admitted: false,
            used: null,
            limit: null,
            now: new Date(),
            resetSeconds: 0,
          },
        ]
    }
    const delayMs = RETRY_DELAYS_MS[round]
    if (failure === 'full' || delayMs === undefined) return units.map(() => unavailable(error))
    await sleep(delayMs)
    let found: (Stored | null)[]
    try {
      found = await probe(units)
    } catch (cause) {
      return recover(write, units, cause, round + 1)
    }
    const rest = units.filter((_, index) => !found[index])
    const again = rest.length > 0 ? await store(write, rest, round + 1) : []
    return found.map((stored) => stored ?? again.shift() ?? unavailable(error))
  }

  async function store(write: Write, units: AcceptUnit[], round = 0): Promise<(Stored | Error)[]> {
    try {
      await deps.failpoint('before_commit')
      const results = await write(units)
      await deps.failpoint('after_commit_before_reply')
      return results
    } catch (error) {
      if (error instanceof NotAdmitted) return [error.stored]
      deps.onError(error)
      return recover(write, units, error, round)
    }
  }

  async function writeWithAttachments(unit: AcceptUnit, messages: NewMessage[]): Promise<Stored> {
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
      // Last, so that the tenant's usage row is locked for one round trip only.
      const [stored] = await admit(client, [unit])
      if (!stored?.admitted) throw new NotAdmitted(stored ?? missingResult())
      return stored
    })
  }

  return {
    storeUnits: (units) => store((some) => admit(deps.pool, some), units),
    async storeWithAttachments(unit, messages) {
      const [stored = missingResult()] = await store(
        async () => [await writeWithAttachments(unit, messages)],
        [unit],
      )
      return stored
    },
  }
}

function missingResult(): never {
  throw new Error('the accept statement answered nothing for its unit')
}

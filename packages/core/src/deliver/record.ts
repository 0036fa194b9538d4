import { createBatcher } from '@lettergate/db/batcher'
import { databaseFailure } from '@lettergate/db/errors'
import type { Pool } from '@lettergate/db/pool'
import { notify, retryQuery, SENDING_LEASE_MS } from '../lib/index.ts'
import { type OutcomeRecord, RECORD_MAX, recordOutcomes } from './sql/record-outcomes.ts'

export type Recorder = {
  /** Resolves when the record is committed. */
  record(record: OutcomeRecord): Promise<void>
  drain(): Promise<void>
}

/**
 * Writes outcomes in micro-batches. While the database is away, an outcome is kept and retried until its lease ends; after that, the
 * sweeper has recorded the attempt as unknown.
 */
export function createRecorder(deps: { pool: Pool; onError: (error: unknown) => void }): Recorder {
  async function write(records: OutcomeRecord[], until: number): Promise<(undefined | Error)[]> {
    try {
      const notifications = await retryQuery(() => recordOutcomes(deps.pool, records), {
        until: () => until,
        onError: deps.onError,
      })
      // A lost notification is harmless: readers also poll.
      notify(deps.pool, notifications).catch(deps.onError)
      return records.map(() => undefined)
    } catch (error) {
      if (databaseFailure(error) === 'query' && records.length > 1) {
        return (await Promise.all(records.map((record) => write([record], until)))).flat()
      }
      return records.map(() => (error instanceof Error ? error : new Error(String(error))))
    }
  }

  const batcher = createBatcher<OutcomeRecord, undefined>({
    run: (records) => write(records, performance.now() + SENDING_LEASE_MS),
    itemsMax: RECORD_MAX,
  })

  return { record: (record) => batcher.add(record), drain: () => batcher.drain() }
}

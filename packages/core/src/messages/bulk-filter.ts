import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import type { BulkFilter } from '@lettergate/contracts/messages/bulk'
import { z } from 'zod'

const text = z.string().nullable()

/** A filter as a job keeps it. Ids are those of the database; `start` and `end` bound the ids, the first not included. */
export const StoredFilter = z.object({
  statuses: z.array(z.string()).nullable(),
  reason: text,
  to: text,
  toDomain: text,
  from: text,
  subject: text,
  tag: text,
  stream: text,
  connectionId: text,
  start: z.string(),
  end: z.string(),
})
export type StoredFilter = z.output<typeof StoredFilter>

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** The conditions of a request made at this moment: messages that are stored later do not match. */
export function storeFilter(filter: BulkFilter, now: number): StoredFilter {
  const { status } = filter
  const until = filter.until === undefined ? now : Math.min(filter.until.getTime(), now)
  return {
    statuses: status === undefined ? null : [status].flat(),
    reason: filter.reason ?? null,
    to: filter.to ?? null,
    toDomain: filter.to_domain ?? null,
    from: filter.from ?? null,
    subject: filter.subject ?? null,
    tag: filter.tag ?? null,
    stream: filter.stream ?? null,
    connectionId: filter.connection ?? null,
    start: uuidAtTime(new Date(until)),
    end: filter.since === undefined ? FIRST_ID : uuidAtTime(filter.since),
  }
}

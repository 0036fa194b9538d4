import type { Fields } from './event-records.ts'
import type { ProviderEvent, Reading } from './provider-event.ts'

/** `null`: the record is about something else. `undefined`: it is of no kind that is known. */
export type ReadRecord = (record: Fields) => readonly ProviderEvent[] | null | undefined

/** Reads record after record; those of no known kind are counted, so that a change at the provider is noticed. */
export function readEvents(found: { records: readonly Fields[]; unread: number }, read: ReadRecord): Reading {
  const events: ProviderEvent[] = []
  let { unread } = found
  for (const record of found.records) {
    const own = read(record)
    if (own === undefined) unread += 1
    else if (own !== null) events.push(...own)
  }
  return { events, unread }
}

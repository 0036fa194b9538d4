import type { OutboundMessage } from '../provider.ts'

type Entry = [key: string, value: string]

/** How much metadata a provider carries, and in which writing it counts. */
export type MetadataLimit = {
  bytesMax: number
  toJson(value: unknown): string
  /** The key under which it takes one of the tenant's; absent: as it is. */
  keyOf?(key: string): string
  /** Of one entry, key and value; absent: as of all. */
  entryBytesMax?: number
}

/** Room for the entry that counts what was left out. */
const leftOutBytes = ',"lg_left_out":"50"'.length

/**
 * The data that comes back with a provider's events: our id, tags that have no field of their own, then the tenant's metadata
 * in its order, as far as it fits. `lg_left_out` counts the entries that do not; no entry is ever cut.
 */
export function fitMetadata(
  message: OutboundMessage,
  foldedTags: readonly string[],
  limit: MetadataLimit,
): Record<string, string> {
  const wanted: Entry[] = [['lg_id', message.id]]
  if (foldedTags.length > 0) wanted.push(['lg_tags', foldedTags.join(',')])
  for (const [key, value] of Object.entries(message.metadata)) wanted.push([limit.keyOf?.(key) ?? key, value])
  const all = take(wanted, limit, limit.bytesMax)
  if (all.length === wanted.length) return Object.fromEntries(all)
  const some = take(wanted, limit, limit.bytesMax - leftOutBytes)
  return Object.fromEntries([...some, ['lg_left_out', String(wanted.length - some.length)]])
}

function take(
  wanted: readonly Entry[],
  { toJson, entryBytesMax = Number.POSITIVE_INFINITY }: MetadataLimit,
  bytesMax: number,
): Entry[] {
  const names = new Set(['lg_left_out'])
  let bytes = '{}'.length
  return wanted.filter(([key, value]) => {
    const own = Buffer.byteLength(`${toJson(key)}:${toJson(value)}`)
    const more = own + (names.size > 1 ? 1 : 0)
    if (names.has(key) || own > entryBytesMax || bytes + more > bytesMax) return false
    names.add(key)
    bytes += more
    return true
  })
}

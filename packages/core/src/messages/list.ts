import { uuidAtTime } from '@lettergate/contracts/lib/ids'
import type { RecipientStatus } from '@lettergate/contracts/messages/recipient-status'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { type CursorKey, fromStorage, readCursor, writeCursor } from '../lib/index.ts'
import type { MessageReader, Reader, StoredMessage } from './read.ts'
import { listMatching } from './sql/find-matching-ids.ts'
import { listCandidates } from './sql/list-candidates.ts'

export type ListQuery = {
  status?: RecipientStatus | undefined
  to?: string | undefined
  tag?: string | undefined
  since?: Date | undefined
  until?: Date | undefined
  cursor?: string | undefined
  limit: number
}

export type MessagePage = { messages: StoredMessage[]; nextCursor: string | null }

type Deps = { tenants: Tenants; messages: MessageReader; cursorKey: CursorKey }
type Page = { ids: string[]; reached: string | null }

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
/** Messages looked at for one page. A filter that finds little answers a short page with a cursor, not a slow one. */
const ROUNDS_MAX = 5
const WINDOW_MAX = 2_000
/** Recipients of one page, about: its bytes are theirs. */
const RECIPIENTS_MAX = 1_000
const READ_AT_ONCE = 20

async function findPage(deps: Deps, reader: Reader, query: ListQuery, start: string): Promise<Page> {
  const from = query.since ? uuidAtTime(query.since) : '00000000-0000-0000-0000-000000000000'
  const filter = {
    mode: reader.mode,
    tag: query.tag ?? null,
    address: query.to ?? null,
    status: query.status ?? null,
  }
  const isFiltered = filter.tag !== null || filter.address !== null || filter.status !== null
  const limit = isFiltered ? WINDOW_MAX : query.limit + 1
  const db = deps.tenants.forTenant(reader.tenantId)
  const ids: string[] = []
  let before = start
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const candidates = await listCandidates(db, { tenantId: reader.tenantId, from, before, limit }, query)
    const last = candidates.at(-1)
    if (last === undefined) return { ids, reached: null }
    const matching = await listMatching(db, reader.tenantId, [...new Set(candidates)], filter)
    ids.push(...matching)
    const extra = ids[query.limit - 1]
    if (ids.length > query.limit && extra) return { ids: ids.slice(0, query.limit), reached: extra }
    if (candidates.length < limit) return { ids, reached: null }
    before = last
  }
  return { ids, reached: before }
}

/** Reads the messages of a page; one with very many recipients ends early, at the id that it answers. */
async function readPage(
  deps: Deps,
  reader: Reader,
  ids: string[],
): Promise<{ messages: StoredMessage[]; cutAt: string | null }> {
  const messages: StoredMessage[] = []
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    const group = ids.slice(from, from + READ_AT_ONCE)
    const read = await Promise.all(group.map((id) => deps.messages.read(reader, id)))
    for (const message of read) if (message) messages.push(message)
    const recipients = messages.reduce((sum, message) => sum + message.recipients.length, 0)
    const last = group.at(-1)
    if (recipients >= RECIPIENTS_MAX && last && from + READ_AT_ONCE < ids.length)
      return { messages, cutAt: last }
  }
  return { messages, cutAt: null }
}

/** The tenant's messages, newest first, a page at a time. */
export async function listMessages(deps: Deps, reader: Reader, query: ListQuery): Promise<MessagePage> {
  const scope = [
    'messages',
    reader.tenantId,
    reader.mode,
    query.status ?? null,
    query.to ?? null,
    query.tag ?? null,
    query.since?.toISOString() ?? null,
    query.until?.toISOString() ?? null,
  ]
  const before = query.cursor === undefined ? null : readCursor(deps.cursorKey, scope, query.cursor)
  const start = before ?? (query.until ? uuidAtTime(query.until) : LAST_ID)
  const { ids, reached } = await fromStorage(findPage(deps, reader, query, start))
  const { messages, cutAt } = await readPage(deps, reader, ids)
  const end = cutAt ?? reached
  return { messages, nextCursor: end === null ? null : writeCursor(deps.cursorKey, scope, end) }
}

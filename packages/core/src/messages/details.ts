import { Problem } from '@lettergate/contracts/problems/problems'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { EncodeFailed } from '@lettergate/providers/lib/encode-large'
import { buildMime } from '@lettergate/providers/lib/mime'
import type { OutboundMessage } from '@lettergate/providers/provider'
import { toOutbound } from '../deliver/index.ts'
import { type CursorKey, fromStorage, readCursor, writeCursor } from '../lib/index.ts'
import { type MessageReader, type Reader, readExisting, type StoredMessage } from './read.ts'
import { type AttemptRow, readAttempts } from './sql/read-attempts.ts'
import { readDocument } from './sql/read-document.ts'
import { type EventRow, readEvents } from './sql/read-events.ts'

type Deps = { tenants: Tenants; messages: MessageReader; cursorKey: CursorKey }

/** Reads the events of a message, oldest first, a page at a time. */
export async function listEvents(
  deps: Deps,
  reader: Reader,
  id: string,
  page: { cursor?: string | undefined; limit: number },
): Promise<{ events: EventRow[]; nextCursor: string | null }> {
  await readExisting(deps.messages, reader, id)
  const scope = ['events', reader.tenantId, reader.mode, id]
  const after = page.cursor === undefined ? -1 : Number(readCursor(deps.cursorKey, scope, page.cursor))
  const found = await fromStorage(
    readEvents(
      deps.tenants.forTenant(reader.tenantId),
      { tenantId: reader.tenantId, id },
      { after, limit: page.limit + 1 },
    ),
  )
  const events = found.slice(0, page.limit)
  const last = events.at(-1)
  const hasMore = found.length > page.limit && last !== undefined
  return { events, nextCursor: hasMore ? writeCursor(deps.cursorKey, scope, String(last.seq)) : null }
}

/** Each try at a provider, oldest first. */
export async function listAttempts(deps: Deps, reader: Reader, id: string): Promise<AttemptRow[]> {
  await readExisting(deps.messages, reader, id)
  return fromStorage(readAttempts(deps.tenants.forTenant(reader.tenantId), { tenantId: reader.tenantId, id }))
}

/** While it is built: the content, and the mail with it in base64. */
const BYTES_PER_CONTENT_BYTE = 2.4

/**
 * Builds the mail as it is sent, with the same bytes every time. Reserves memory through `reserve` before reading anything large; it may
 * throw.
 */
export async function readRaw(
  deps: Deps,
  reader: Reader,
  id: string,
  reserve: (bytes: number) => void,
): Promise<Buffer> {
  const message = await readExisting(deps.messages, reader, id)
  const db = deps.tenants.forTenant(reader.tenantId)
  reserve(Math.ceil(message.contentBytes * BYTES_PER_CONTENT_BYTE))
  const outbound = await fromStorage(loadOutbound(db, reader.tenantId, message))
  return buildMime(outbound).catch((cause: unknown) => {
    if (!(cause instanceof EncodeFailed)) throw cause
    throw new Problem('overloaded', { headers: { 'retry-after': '5' }, cause })
  })
}

async function loadOutbound(
  db: Queryable,
  tenantId: string,
  message: StoredMessage,
): Promise<OutboundMessage> {
  const document = await readDocument(db, { tenantId, id: message.id })
  if (!document) throw new Problem('content-expired')
  const recipients = message.recipients.map((recipient, position) => ({ ...recipient, position }))
  return toOutbound(db, { ...message, tenantId, messageId: message.id, document, recipients })
}

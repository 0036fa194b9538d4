import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { Problem } from '@lettergate/contracts/problems'

const MAC_BYTES = 16
const CURSOR_CHARS_MAX = 200

/** What a cursor is good for: one tenant, one mode, one list with its filters. */
export type CursorScope = readonly (string | null)[]

function mac(key: KeyObject, scope: CursorScope, position: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify(scope))
    .update(position)
    .digest()
    .subarray(0, MAC_BYTES)
}

/** A place in a list, opaque to the client: the position reached, signed together with whose list it is. */
export function writeCursor(key: KeyObject, scope: CursorScope, position: string): string {
  const bytes = Buffer.from(position)
  return Buffer.concat([mac(key, scope, bytes), bytes]).toString('base64url')
}

/** The position behind a cursor; throws `cursor-invalid` for one that was not made for this very list. */
export function readCursor(key: KeyObject, scope: CursorScope, cursor: string): string {
  if (cursor.length > CURSOR_CHARS_MAX) throw new Problem('cursor-invalid')
  const bytes = Buffer.from(cursor, 'base64url')
  const position = bytes.subarray(MAC_BYTES)
  const isGenuine =
    bytes.length > MAC_BYTES &&
    timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(key, scope, position)) &&
    // Two spellings of one cursor would be two cursors.
    bytes.toString('base64url') === cursor
  if (!isGenuine) throw new Problem('cursor-invalid')
  return position.toString()
}

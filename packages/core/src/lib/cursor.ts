import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { Problem } from '@lettergate/contracts/problems/problems'

const MAC_BYTES = 16
/** The feed's names each transaction that was under way. */
const CURSOR_CHARS_MAX = 4_000

/** The scope of a cursor: one tenant, one mode, one list with its filters. */
export type CursorScope = readonly (string | null)[]

/** Signs cursors; those that `previous` signed are good too, while root keys are being changed. */
export type CursorKey = { sign: KeyObject; previous?: KeyObject | undefined }

function mac(key: KeyObject, scope: CursorScope, position: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify(scope))
    .update(position)
    .digest()
    .subarray(0, MAC_BYTES)
}

/** A place in a list, opaque to the client: the position reached, signed together with whose list it is. */
export function writeCursor(key: CursorKey, scope: CursorScope, position: string): string {
  const bytes = Buffer.from(position)
  return Buffer.concat([mac(key.sign, scope, bytes), bytes]).toString('base64url')
}

function isSigned({ sign, previous }: CursorKey, scope: CursorScope, bytes: Buffer): boolean {
  const [given, position] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)]
  const isBy = (key: KeyObject) => timingSafeEqual(given, mac(key, scope, position))
  return isBy(sign) || (previous !== undefined && isBy(previous))
}

/** The position behind a cursor; throws `cursor-invalid` for one that was not made for this very list. */
export function readCursor(key: CursorKey, scope: CursorScope, cursor: string): string {
  if (cursor.length > CURSOR_CHARS_MAX) throw new Problem('cursor-invalid')
  const bytes = Buffer.from(cursor, 'base64url')
  const position = bytes.subarray(MAC_BYTES)
  const isGenuine =
    bytes.length > MAC_BYTES &&
    isSigned(key, scope, bytes) &&
    // Two spellings of one cursor would be two cursors.
    bytes.toString('base64url') === cursor
  if (!isGenuine) throw new Problem('cursor-invalid')
  return position.toString()
}

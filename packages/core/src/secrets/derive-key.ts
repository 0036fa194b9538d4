import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

type Purpose = 'api key pepper' | 'data key wrapping' | 'root key version' | 'list cursors'

/** A key of its own for each purpose, so that one that leaks tells nothing of the root or of the others (RFC 5869). */
export function deriveKey(root: KeyObject, purpose: Purpose): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', root, 'lettergate v1', purpose, 32)))
}

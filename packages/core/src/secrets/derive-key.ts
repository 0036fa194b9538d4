import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

type Purpose = 'api key pepper' | 'data key wrapping' | 'root key version' | 'list cursors' | 'own addresses'

/** A separate key for each purpose, so that a leaked one reveals nothing about the root or the others (RFC 5869). */
export function deriveKey(root: KeyObject, purpose: Purpose): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', root, 'lettergate v1', purpose, 32)))
}

import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

type Purpose = 'api key pepper' | 'data key wrapping' | 'root key version' | 'list cursors' | 'own addresses'

/** A separate key for each purpose, so that a leaked one reveals nothing about the root or the others (RFC 5869). */
export function deriveKey(root: KeyObject, purpose: Purpose): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', root, 'lettergate v1', purpose, 32)))
}

/** The keys of a purpose: the present one first, then that of the secret before, as long as it is set. */
export function deriveKeys(
  root: KeyObject,
  previous: KeyObject | undefined,
  purpose: Purpose,
): [KeyObject, ...KeyObject[]] {
  return [deriveKey(root, purpose), ...(previous ? [deriveKey(previous, purpose)] : [])]
}

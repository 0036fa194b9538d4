import type { KeyObject } from 'node:crypto'
import type { Queryable } from '@lettergate/db/pool'
import { listKeysOfOtherPeppers, type OldKeyRow, pepperVersionOf } from '../keys/index.ts'
import { deriveKey } from './derive-key.ts'

import { rewrapDataKeys } from './seal.ts'

export type Rotated = {
  rewrapped: number
  /** Data keys that do not open with the previous root key: they are as they were. */
  broken: number
  /** API keys not used since the change: they stop working once the previous root key is removed. */
  keysNotUsedYet: { count: number; keys: OldKeyRow[] }
}

const KEYS_MAX = 100

/**
 * Wraps all that the previous root key wrapped by the present one, while everything runs. May be stopped, and run again: the second
 * time it finds what has come since. API keys cannot be hashed again until they are used, so it only reports which are left, a hundred at most.
 */
export async function rotateRoot(
  db: Queryable,
  roots: { previous: KeyObject; present: KeyObject },
): Promise<Rotated> {
  const { rewrapped, broken } = await rewrapDataKeys(db, { from: roots.previous, to: roots.present })
  const pepper = deriveKey(roots.present, 'api key pepper')
  const keysNotUsedYet = await listKeysOfOtherPeppers(db, pepperVersionOf(pepper), KEYS_MAX)
  return { rewrapped, broken, keysNotUsedYet }
}

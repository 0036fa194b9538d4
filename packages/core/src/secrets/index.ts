/** Secrets: sealing with data keys, and their renewal under the root secret. */
export { deriveKey, deriveKeys } from './derive-key.ts'
export { type Rotated, rotateRoot } from './rotate-root-key.ts'
export { createSealer, rewrapDataKeys, rootVersionOf, SealBroken, type Sealed, type Sealer } from './seal.ts'
export { insertDataKey } from './sql/insert-data-key.ts'

/** API keys: made, found by hash, revoked. */
export { issueKey, revokeKey } from './issue-key.ts'
export { pepperVersionOf } from './key-format.ts'
export {
  createKey,
  type KeyInfo,
  listKeys,
  readKey,
  revokeOwnKey,
  rotateKey,
} from './manage.ts'
export { listKeysOfOtherPeppers, type OldKeyRow } from './sql/list-other-pepper.ts'
export { createKeyUses, type KeyUses } from './uses.ts'
export {
  createKeyVerifier,
  isReading,
  type KeyVerifier,
  type Principal,
  SCOPES,
  type Scope,
  type TenantPrincipal,
} from './verify-keys.ts'

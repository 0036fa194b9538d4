/** API keys: made, found by hash, revoked. */
export {
  createKeyVerifier,
  isReading,
  issueKey,
  type KeyVerifier,
  type Principal,
  pepperVersionOf,
  revokeKey,
  SCOPES,
  type Scope,
  type TenantPrincipal,
} from './keys.ts'
export {
  createKey,
  type KeyDeps,
  type KeyInfo,
  listKeys,
  readKey,
  revokeOwnKey,
  rotateKey,
} from './manage.ts'
export { listKeysOfOtherPeppers, type OldKeyRow } from './sql/list-other-pepper.ts'
export { createKeyUses, type KeyUses, type UsesResult } from './uses.ts'

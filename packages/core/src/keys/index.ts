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
} from './keys.ts'
export { listKeysOfOtherPeppers, type OldKeyRow } from './sql/list-other-pepper.ts'

/** API keys: made, found by hash, revoked. */
export {
  createKeyVerifier,
  issueKey,
  type KeyVerifier,
  type Principal,
  pepperVersionOf,
  revokeKey,
  type Scope,
} from './keys.ts'
export { listKeysOfOtherPeppers, type OldKeyRow } from './sql/list-other-pepper.ts'

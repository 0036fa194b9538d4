import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { LRUCache } from 'lru-cache'
import { fromStorage } from '../lib/index.ts'
import { EndpointSecrets, newSecrets, PREVIOUS_VALID_MS, rotateSecrets } from './endpoint-secrets.ts'
import type { EndpointDeps, Owner } from './endpoints.ts'
import {
  type DefaultSecretRow,
  insertDefaultSecret,
  readDefaultSecretRow,
  replaceDefaultSecret,
} from './sql/default-secret.ts'

/** By SQL: the first message with a URL of its own makes the secret, on the way of messages. */
type Deps = Pick<EndpointDeps, 'tenants' | 'sealer'>

/** Tenants that are known to have one. */
const KNOWN_MAX = 10_000
/** Retries after concurrent rotations. */
const TRIES_MAX = 10

const placeOf = ({ tenantId }: Owner, id: string) => ({ tenantId, table: 'default_secret', id }) as const

export async function unsealDefaultSecret(
  { sealer }: Pick<Deps, 'sealer'>,
  owner: Owner,
  { id, ...sealed }: DefaultSecretRow,
): Promise<EndpointSecrets> {
  return EndpointSecrets.parse(await sealer.unsealJson(placeOf(owner, id), sealed))
}

/** The secret, made at first use together with the reader of the feed that finds messages with a URL of their own. */
async function ensureRow({ tenants, sealer }: Deps, owner: Owner): Promise<DefaultSecretRow> {
  const db = tenants.forTenant(owner.tenantId)
  const known = await readDefaultSecretRow(db, owner)
  if (known) return known
  const id = newId()
  const sealed = await sealer.sealJson(placeOf(owner, id), newSecrets())
  return db.transaction((transaction) => insertDefaultSecret(transaction, owner, { id, ...sealed }))
}

/** The secrets of calls to messages' own URLs, made at first use. From then on such messages are found. */
export function readDefaultSecret(deps: Deps, owner: Owner): Promise<EndpointSecrets> {
  return fromStorage(ensureRow(deps, owner).then((row) => unsealDefaultSecret(deps, owner, row)))
}

async function rotate(deps: Deps, owner: Owner, now: number): Promise<string> {
  const db = deps.tenants.forTenant(owner.tenantId)
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const before = await ensureRow(deps, owner)
    const fresh = rotateSecrets(await unsealDefaultSecret(deps, owner, before), now)
    const sealed = await deps.sealer.sealJson(placeOf(owner, before.id), fresh)
    if (await replaceDefaultSecret(db, owner, before, sealed)) return fresh.secrets[0]?.secret ?? ''
  }
  throw new Problem('wrong-state', {
    detail: 'The secret is being changed by other requests. Repeat the request.',
  })
}

/** A new secret; calls are signed with both for a day. */
export async function rotateDefaultSecret(
  deps: Deps & Pick<EndpointDeps, 'clock'>,
  owner: Owner,
): Promise<{ secret: string; previousUntil: Date }> {
  const now = deps.clock.now()
  const secret = await fromStorage(rotate(deps, owner, now))
  return { secret, previousUntil: new Date(now + PREVIOUS_VALID_MS) }
}

/** Makes sure, before the first message with a URL of its own is stored, that such messages are looked for. Known tenants cost nothing. */
export function createCallbackReaders(deps: Deps): (owner: Owner) => Promise<void> {
  const known = new LRUCache<string, true>({ max: KNOWN_MAX })
  return async (owner) => {
    const key = `${owner.tenantId} ${owner.mode}`
    if (known.has(key)) return
    await fromStorage(ensureRow(deps, owner))
    known.set(key, true)
  }
}

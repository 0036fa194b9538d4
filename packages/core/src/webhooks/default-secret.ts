import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { LRUCache } from 'lru-cache'
import { fromStorage } from '../lib/index.ts'
import { EndpointSecrets, newSecrets, PREVIOUS_VALID_MS, rotateSecrets } from './endpoint-secrets.ts'
import type { EndpointDeps, Owner } from './endpoints.ts'
import { insertDefaultSecret } from './sql/insert-default-secret.ts'
import { INSERT_STATE } from './sql/insert-state.ts'
import { readDefaultSecretRow } from './sql/read-endpoint.ts'

type Deps = Pick<EndpointDeps, 'prisma' | 'sealer' | 'clock'>

/** Tenants that are known to have a reader. */
const KNOWN_MAX = 10_000

const placeOf = ({ tenantId }: Owner, id: string) => ({ tenantId, table: 'default_secret', id }) as const

const COLUMNS = { id: true, sealed_secrets: true, data_key_version: true } as const
type Row = { id: string; sealed_secrets: Uint8Array; data_key_version: number }

/** Retries after concurrent rotations. */
const TRIES_MAX = 10

function findRow({ prisma }: Deps, { tenantId, mode }: Owner): Promise<Row | null> {
  return prisma.forTenant(tenantId, (db) =>
    db.default_secret.findFirst({ where: { tenant_id: tenantId, mode }, select: COLUMNS }),
  )
}

/** Makes the secret, and the reader of the feed that finds messages with a URL of their own. */
async function makeRow(deps: Deps, owner: Owner): Promise<Row> {
  const { tenantId, mode } = owner
  const id = newId()
  const { sealed, dataKeyVersion } = await deps.sealer.sealJson(placeOf(owner, id), newSecrets())
  const row = {
    tenant_id: tenantId,
    mode,
    id,
    sealed_secrets: new Uint8Array(sealed),
    data_key_version: dataKeyVersion,
  }
  return deps.prisma.forTenantInTurn(tenantId, async (db) => {
    await db.default_secret.createMany({ data: [row], skipDuplicates: true })
    const stored = await db.default_secret.findFirstOrThrow({
      where: { tenant_id: tenantId, mode },
      select: COLUMNS,
    })
    await db.$executeRawUnsafe(INSERT_STATE, stored.id, tenantId, mode, null)
    return stored
  })
}

async function unseal({ sealer }: Deps, owner: Owner, row: Row): Promise<EndpointSecrets> {
  const sealed = { sealed: Buffer.from(row.sealed_secrets), dataKeyVersion: row.data_key_version }
  return EndpointSecrets.parse(await sealer.unsealJson(placeOf(owner, row.id), sealed))
}

/** The secrets of calls to messages' own URLs, made at first use. From then on such messages are found. */
export async function readDefaultSecret(deps: Deps, owner: Owner): Promise<EndpointSecrets> {
  return fromStorage(
    (async () => unseal(deps, owner, (await findRow(deps, owner)) ?? (await makeRow(deps, owner))))(),
  )
}

async function rotate(deps: Deps, owner: Owner): Promise<{ secret: string; previousUntil: Date }> {
  const { tenantId, mode } = owner
  const now = deps.clock.now()
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const before = (await findRow(deps, owner)) ?? (await makeRow(deps, owner))
    const fresh = rotateSecrets(await unseal(deps, owner, before), now)
    const { sealed, dataKeyVersion } = await deps.sealer.sealJson(placeOf(owner, before.id), fresh)
    const { count } = await deps.prisma.forTenantInTurn(tenantId, (db) =>
      db.default_secret.updateMany({
        where: { tenant_id: tenantId, mode, sealed_secrets: new Uint8Array(before.sealed_secrets) },
        data: { sealed_secrets: new Uint8Array(sealed), data_key_version: dataKeyVersion },
      }),
    )
    if (count === 1) {
      return { secret: fresh.secrets[0]?.secret ?? '', previousUntil: new Date(now + PREVIOUS_VALID_MS) }
    }
  }
  throw new Problem('wrong-state', {
    detail: 'The secret is being changed by other requests. Repeat the request.',
  })
}

/** A new secret; calls are signed with both for a day. */
export function rotateDefaultSecret(
  deps: Deps,
  owner: Owner,
): Promise<{ secret: string; previousUntil: Date }> {
  return fromStorage(rotate(deps, owner))
}

/**
 * Makes sure, before the first message with a URL of its own is stored, that such messages are looked for. Known tenants cost nothing. By
 * SQL, since it is on the way of messages.
 */
export function createCallbackReaders({
  tenants,
  sealer,
}: Pick<EndpointDeps, 'tenants' | 'sealer'>): (owner: Owner) => Promise<void> {
  const known = new LRUCache<string, true>({ max: KNOWN_MAX })

  async function ensure(owner: Owner): Promise<void> {
    const { tenantId, mode } = owner
    const db = tenants.forTenant(tenantId)
    if (await readDefaultSecretRow(db, tenantId, mode)) return
    const id = newId()
    const sealed = await sealer.sealJson(placeOf(owner, id), newSecrets())
    await db.transaction((transaction) => insertDefaultSecret(transaction, { ...owner, id }, sealed))
  }

  return async (owner) => {
    const key = `${owner.tenantId} ${owner.mode}`
    if (known.has(key)) return
    await fromStorage(ensure(owner))
    known.set(key, true)
  }
}

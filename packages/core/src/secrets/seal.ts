import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Queryable } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { LRUCache } from 'lru-cache'
import { deriveKey } from './derive-key.ts'
import { insertDataKey } from './sql/insert-data-key.ts'
import { listDataKeysWrappedBy } from './sql/list-wrapped.ts'
import { type DataKeyRow, newestDataKey } from './sql/newest-data-key.ts'
import { readDataKey } from './sql/read-data-key.ts'
import { rewrapDataKey } from './sql/rewrap-data-key.ts'

/** The row that a secret belongs to: a sealed value copied to any other row does not open. */
export type SealedPlace = {
  tenantId: string
  table:
    | 'connection'
    | 'hook'
    | 'endpoint'
    | 'default_secret'
    | 'domain_key'
    | 'smtp_credential'
    | 'inbound_route'
  id: string
}
export type Sealed = { sealed: Buffer; dataKeyVersion: number }

export type Sealer = {
  /** Seals a JSON value for this row; makes the tenant's data key if there is none. */
  sealJson(place: SealedPlace, credentials: unknown): Promise<Sealed>
  /** The JSON value again; throws `SealBroken` for anything that was not sealed for this very row. */
  unsealJson(place: SealedPlace, sealed: Sealed): Promise<unknown>
  /** Drops all cached data keys. */
  close(): void
}

/** A sealed value that does not open: altered, moved to another row, or under another root key. */
export class SealBroken extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what} does not open`, options)
    this.name = 'SealBroken'
  }
}

const ALGORITHM = 'aes-256-gcm'
const FORMAT = 1
const IV_BYTES = 12
/** Stated on both sides: by default Node opens values whose tag was cut down to 4 bytes. */
const TAG_BYTES = 16
const HEAD_BYTES = 1 + IV_BYTES + TAG_BYTES
/** A data key that was removed stops working within this time. */
const DATA_KEY_TTL_MS = 60_000
const DATA_KEYS_MAX = 1_000

/** Format, nonce, tag, ciphertext. `context` is authenticated but not stored. */
function seal(key: KeyObject, context: readonly (string | number)[], plain: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(JSON.stringify(context)))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.from([FORMAT]), iv, cipher.getAuthTag(), body])
}

function unseal(key: KeyObject, context: readonly (string | number)[], sealed: Buffer): Buffer {
  const what = String(context[0])
  if (sealed.length < HEAD_BYTES || sealed[0] !== FORMAT) throw new SealBroken(what)
  const iv = sealed.subarray(1, 1 + IV_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(JSON.stringify(context)))
  decipher.setAuthTag(sealed.subarray(1 + IV_BYTES, HEAD_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()])
  } catch (cause) {
    throw new SealBroken(what, { cause })
  }
}

/**
 * Derives the version number of a root key from the key itself, so that an operator need not keep count. 31 bits distinguish the two or
 * three keys of one installation.
 */
export function rootVersionOf(root: KeyObject): number {
  return deriveKey(root, 'root key version').export().readUInt32BE(0) >>> 1
}

const dataKeyContext = (tenantId: string, version: number) => ['data key', tenantId, version]
const rowContext = (place: SealedPlace, version: number) => [
  `${place.table} ${place.id}`,
  place.tenantId,
  place.table,
  place.id,
  version,
]

/**
 * Seals tenants' credentials: the root key wraps a data key per tenant, which seals the values (AES-256-GCM throughout). While root keys
 * are being changed, what the previous one wrapped opens too.
 */
export function createSealer(deps: {
  tenants: Tenants
  root: KeyObject
  previous?: KeyObject | undefined
}): Sealer {
  const wrapping = deriveKey(deps.root, 'data key wrapping')
  const rootVersion = rootVersionOf(deps.root)
  const wrappings = new Map([[rootVersion, wrapping]])
  if (deps.previous)
    wrappings.set(rootVersionOf(deps.previous), deriveKey(deps.previous, 'data key wrapping'))
  const keys = new LRUCache<string, KeyObject>({ max: DATA_KEYS_MAX, ttl: DATA_KEY_TTL_MS })

  function unwrap(tenantId: string, row: DataKeyRow): KeyObject {
    const cached = keys.get(`${tenantId} ${row.version}`)
    if (cached) return cached
    const wrappedBy = wrappings.get(row.root_version)
    if (!wrappedBy) throw new SealBroken(`data key of tenant ${tenantId} under this root key`)
    const key = createSecretKey(unseal(wrappedBy, dataKeyContext(tenantId, row.version), row.wrapped))
    keys.set(`${tenantId} ${row.version}`, key)
    return key
  }

  async function newestOrFirst(tenantId: string): Promise<DataKeyRow> {
    const db = deps.tenants.forTenant(tenantId)
    const there = await newestDataKey(db, tenantId)
    if (there) return there
    const wrapped = seal(wrapping, dataKeyContext(tenantId, 1), randomBytes(32))
    await insertDataKey(db, tenantId, { version: 1, rootVersion, wrapped })
    // Another process may have been first: its key is the tenant's then.
    const made = await newestDataKey(db, tenantId)
    if (!made) throw new Error(`the data key of tenant ${tenantId} vanished`)
    return made
  }

  return {
    async sealJson(place, credentials) {
      const row = await newestOrFirst(place.tenantId)
      const plain = Buffer.from(JSON.stringify(credentials))
      const key = unwrap(place.tenantId, row)
      return { sealed: seal(key, rowContext(place, row.version), plain), dataKeyVersion: row.version }
    },
    async unsealJson(place, { sealed, dataKeyVersion }) {
      let key = keys.get(`${place.tenantId} ${dataKeyVersion}`)
      if (!key) {
        const row = await readDataKey(deps.tenants.forTenant(place.tenantId), place.tenantId, dataKeyVersion)
        if (!row) throw new SealBroken(`${place.table} ${place.id}`)
        key = unwrap(place.tenantId, row)
      }
      return JSON.parse(unseal(key, rowContext(place, dataKeyVersion), sealed).toString())
    },
    close: () => keys.clear(),
  }
}

const REWRAP_ROWS_MAX = 200

/**
 * Rewraps every data key when the root key changes; the sealed values stay as they are. May be stopped and run again,
 * beside other processes. A data key that does not open is counted, left as it is, and stops nothing.
 */
export async function rewrapDataKeys(
  db: Queryable,
  roots: { from: KeyObject; to: KeyObject },
): Promise<{ rewrapped: number; broken: number }> {
  const [from, to] = [rootVersionOf(roots.from), rootVersionOf(roots.to)]
  const [oldKey, newKey] = [
    deriveKey(roots.from, 'data key wrapping'),
    deriveKey(roots.to, 'data key wrapping'),
  ]
  const result = { rewrapped: 0, broken: 0 }
  let after: { tenantId: string; version: number } | null = null
  while (from !== to) {
    const rows = await listDataKeysWrappedBy(db, from, after, REWRAP_ROWS_MAX)
    for (const { tenant_id: tenantId, version, wrapped } of rows) {
      after = { tenantId, version }
      const context = dataKeyContext(tenantId, version)
      try {
        const again = seal(newKey, context, unseal(oldKey, context, wrapped))
        await rewrapDataKey(db, { tenantId, version, from, to, wrapped: again })
        result.rewrapped++
      } catch (error) {
        if (!(error instanceof SealBroken)) throw error
        result.broken++
      }
    }
    if (rows.length < REWRAP_ROWS_MAX) break
  }
  return result
}

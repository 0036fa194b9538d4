import type { Tenants } from '@lettergate/db/tenant-scope'
import { Secret } from '@lettergate/providers/lib/secret'
import type { SigningKey } from '@lettergate/providers/provider'
import { z } from 'zod'
import { SealBroken, type Sealer } from '../secrets/index.ts'
import { coveringDomain } from './domain-name.ts'
import { listSigning, type SigningRow } from './sql/list-signing.ts'
import { returnPathName } from './wanted-records.ts'

/** The proved domains of a tenant, opened for sending. */
export type OwnDomains = {
  /** The domain that proves this sender; null: none. */
  domainOf(address: string): string | null
  /** Keys that sign mail of this sender, RSA first. */
  keysOf(address: string): readonly SigningKey[]
  /** The tenant's own domain that bounces of this sender's mail come back to; null: it has none. */
  returnPathDomainOf(address: string): string | null
}

const SealedKey = z.object({ private_key: z.string() })
const hostOf = (address: string) => address.slice(address.lastIndexOf('@') + 1)

/**
 * Opens the proved domains of a tenant and their keys. For a cache by version of the tenant's connections, which rises when a domain is
 * proved, lost or deleted and when a key begins or ends; no message unseals anything.
 */
export async function openOwnDomains(
  deps: { tenants: Tenants; sealer: Pick<Sealer, 'unsealJson'>; onError: (error: unknown) => void },
  tenantId: string,
): Promise<OwnDomains> {
  const rows = await listSigning(deps.tenants.forTenant(tenantId), tenantId)
  const keys = new Map<string, SigningKey[]>()
  for (const row of rows) {
    const key = await openKey(deps, tenantId, row)
    if (key) keys.set(row.name, [...(keys.get(row.name) ?? []), key])
  }
  const proved = [...new Set(rows.map(({ name }) => name))]
  const nearer = rows[0]?.nearer ?? []
  const returning = new Set(rows.flatMap((row) => (row.has_return_path ? [row.name] : [])))
  const domainOf = (address: string) => coveringDomain(hostOf(address), { proved, nearer })
  return {
    domainOf,
    keysOf(address) {
      const domain = domainOf(address)
      return domain === null ? [] : (keys.get(domain) ?? [])
    },
    returnPathDomainOf(address) {
      const domain = domainOf(address)
      return domain !== null && returning.has(domain) ? returnPathName(domain) : null
    },
  }
}

async function openKey(
  { sealer, onError }: Parameters<typeof openOwnDomains>[0],
  tenantId: string,
  { name, key_id: id, selector, sealed_key: sealed, data_key_version: dataKeyVersion }: SigningRow,
): Promise<SigningKey | null> {
  if (id === null || selector === null || sealed === null || dataKeyVersion === null) return null
  try {
    const opened = await sealer.unsealJson({ tenantId, table: 'domain_key', id }, { sealed, dataKeyVersion })
    const { private_key: text } = SealedKey.parse(opened)
    return { domain: name, selector, private_key: new Secret(text) }
  } catch (error) {
    // One key that does not open must not keep the others from signing.
    if (!(error instanceof SealBroken || error instanceof z.ZodError)) throw error
    onError(error)
    return null
  }
}

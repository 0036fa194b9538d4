import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage, randomText } from '../lib/index.ts'
import type { Owner } from './owner.ts'
import { ensureToken } from './sql/own-address.ts'

const TOKEN_CHARS = 12
const TRIES_MAX = 3

/** The token of a tenant's own address under the operator's domain, made at first use. */
export async function readTenantToken({ tenants }: { tenants: Tenants }, owner: Owner): Promise<string> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    // Two requests at the same time: the second sees what the first has made at its next attempt.
    const token = await fromStorage(
      ensureToken(tenants.forTenant(owner.tenantId), owner, randomText(TOKEN_CHARS)),
    )
    if (token !== '') return token
  }
  throw new Error('no token could be made')
}

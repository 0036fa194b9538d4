import { randomBytes } from 'node:crypto'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { fromStorage } from '../lib/index.ts'
import type { Owner } from './owner.ts'
import { ensureToken } from './sql/own-address.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TOKEN_CHARS = 12
const TRIES_MAX = 3

const newToken = (): string => Array.from(randomBytes(TOKEN_CHARS), (byte) => ALPHABET[byte & 31]).join('')

/** The token of a tenant's own address under the operator's domain, made at first use. */
export async function readTenantToken({ tenants }: { tenants: Tenants }, owner: Owner): Promise<string> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    // Two requests at the same time: the second sees what the first has made at its next attempt.
    const token = await fromStorage(ensureToken(tenants.forTenant(owner.tenantId), owner, newToken()))
    if (token !== '') return token
  }
  throw new Error('no token could be made')
}

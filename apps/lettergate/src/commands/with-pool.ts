import { loadConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { createSealer, type Sealer } from '@lettergate/core/secrets'
import type { Pool } from '@lettergate/db/pool'
import { createTenantPrisma, type TenantPrisma } from '@lettergate/db/prisma'
import { createTenants, type Tenants } from '@lettergate/db/tenant-scope'
import { createEgress, type Egress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { databaseUrlOf, openPool } from '../start/database.ts'

export type PoolDeps = {
  pool: Pool
  tenants: Tenants
  prisma: TenantPrisma
  sealer: Sealer
  egress: Egress
  providers: Readonly<Record<string, Provider>>
}

/** Runs `work` with what managing the connections of the pool needs, with the rights that the api has for one tenant. */
export async function withPool<T>(work: (deps: PoolDeps) => Promise<T>): Promise<T> {
  const config = loadConfig()
  const url = databaseUrlOf(config)
  const pool = openPool(url)
  const tenants = createTenants({ url, max: 2, applicationName: 'lettergate-cli', onError: () => {} })
  const egress = createEgress({ allow: [...config.egressAllow], mailPort: config.egressMailPort })
  const sealer = createSealer({ tenants, root: rootSecret(config), previous: config.previousSecret })
  const providers = createProviders()
  try {
    return await work({ pool, tenants, prisma: createTenantPrisma(tenants), sealer, egress, providers })
  } finally {
    sealer.close()
    await Promise.all(Object.values(providers).map((provider) => provider.close?.()))
    await egress.close()
    await Promise.all([pool.end(), tenants.close()])
  }
}

import type { KeyObject } from 'node:crypto'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import {
  createInboundRoute,
  createMailbox,
  type InboundDeps,
  listInboundRoutes,
  readTenantToken,
} from '@lettergate/core/inbound'
import { createKeyVerifier } from '@lettergate/core/keys'
import { createSealer, deriveKey } from '@lettergate/core/secrets'
import type { Pool } from '@lettergate/db/pool'
import { createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createEgress } from '@lettergate/egress/egress'

type Options = { pool: Pool; databaseUrl: string; secret: KeyObject; inboundDomain: string }

/** An address of the demo tenant whose mail is kept in a mailbox, made at the first start. */
export async function demoInbound(options: Options, liveKey: string): Promise<string> {
  const { pool, databaseUrl: url, secret, inboundDomain } = options
  const onError = () => {}
  const tenants = createTenants({ url, max: 2, applicationName: 'lettergate-cli', onError })
  const keys = createKeyVerifier({ pool, pepper: deriveKey(secret, 'api key pepper') })
  const sealer = createSealer({ tenants, root: secret })
  const egress = createEgress({ allow: [] })
  const deps: InboundDeps = {
    prisma: createTenantPrisma(tenants),
    tenants,
    sealer,
    egress,
    db: pool,
    inboundDomain,
    onError,
  }
  try {
    const owner = await keys.verify(liveKey)
    if (owner?.mode !== 'live') throw new Error('the demo tenant has no live key')
    if ((await listInboundRoutes(deps, owner)).length === 0) {
      const mailbox = await createMailbox(deps, owner, { name: `Demo ${new Date().toISOString()}` })
      await createInboundRoute(deps, owner, {
        name: 'Demo',
        position: 10_000,
        domain: null,
        match: { kind: 'all', value: '' },
        actions: [{ type: 'store', mailbox: toPublicId('mbx', mailbox.id) }],
        enabled: true,
      })
    }
    return `anything+${await readTenantToken(deps, owner)}@${inboundDomain}`
  } finally {
    keys.close()
    sealer.close()
    await tenants.close()
  }
}

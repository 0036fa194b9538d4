import type { KeyObject } from 'node:crypto'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { smtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import {
  createInboundRoute,
  createMailbox,
  type InboundDeps,
  listInboundRoutes,
  readTenantToken,
} from '@lettergate/core/inbound'
import { createKeyVerifier, issueKey, type KeyVerifier, type TenantPrincipal } from '@lettergate/core/keys'
import { createSealer, deriveKey } from '@lettergate/core/secrets'
import { createSmtpCredential, createSmtpLogins } from '@lettergate/core/smtp-credentials'
import { createTenant } from '@lettergate/core/tenants'
import type { Pool } from '@lettergate/db/pool'
import { createOperatorPrisma, createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createEgress } from '@lettergate/egress/egress'
import { openPool } from './database.ts'
import type { DevFile } from './dev-file.ts'

export type DemoKeys = { live_key: string; test_key: string; admin_key: string }
export type DemoSmtp = { smtp_username: string; smtp_password: string }
export type Demo = { keys: DemoKeys; smtp: DemoSmtp; inboundAddress: string }

type Deps = InboundDeps & { pool: Pool; pepper: KeyObject; verifier: KeyVerifier }

/**
 * The demo tenant of development: its keys, its login for SMTP, and an address whose mail is kept in a mailbox. Each is the one of an earlier
 * start if this database still knows it, else a new one.
 */
export async function prepareDemo(
  options: { databaseUrl: string; secret: KeyObject; inboundDomain: string },
  kept: DevFile | null,
): Promise<Demo> {
  const { databaseUrl: url, secret, inboundDomain } = options
  const onError = () => {}
  const pool = openPool(url)
  const tenants = createTenants({ url, max: 2, applicationName: 'lettergate-cli', onError })
  const pepper = deriveKey(secret, 'api key pepper')
  const verifier = createKeyVerifier({ pool, pepper })
  const sealer = createSealer({ tenants, root: secret })
  const egress = createEgress({ allow: [] })
  const prisma = createTenantPrisma(tenants)
  const deps = { pool, pepper, verifier, prisma, tenants, sealer, egress, db: pool, inboundDomain, onError }
  try {
    const keys = await demoKeys(deps, kept)
    const owner = await verifier.verify(keys.live_key)
    if (owner?.mode !== 'live') throw new Error('the demo tenant has no live key')
    return { keys, smtp: await demoSmtp(deps, owner, kept), inboundAddress: await demoInbound(deps, owner) }
  } finally {
    verifier.close()
    sealer.close()
    await Promise.all([egress.close(), tenants.close(), pool.end()])
  }
}

async function demoKeys({ pool, pepper, verifier }: Deps, kept: DevFile | null): Promise<DemoKeys> {
  if (kept) {
    const { live_key, test_key, admin_key } = kept
    const found = await Promise.all([live_key, test_key, admin_key].map((key) => verifier.verify(key)))
    if (found.every((principal) => principal !== null)) return { live_key, test_key, admin_key }
  }
  const operator = createOperatorPrisma(pool)
  const tenant = await createTenant({ operator, pepper }, { name: 'Demo', plan: 'standard' })
  const admin = await operator.forOperator((db) => issueKey({ db, pepper }, { mode: 'admin' }))
  return { live_key: tenant.liveKey, test_key: tenant.testKey, admin_key: admin.key }
}

async function demoSmtp(
  { pool, sealer, prisma, verifier: keys }: Deps,
  owner: TenantPrincipal,
  kept: DevFile | null,
): Promise<DemoSmtp> {
  const { smtp_username, smtp_password } = kept ?? {}
  if (smtp_username && smtp_password) {
    const logins = createSmtpLogins({ pool, sealer, keys })
    const from = { address: '127.0.0.1', isGuesser: false }
    const { kind } = await logins.byPassword(smtp_username, smtp_password, from).finally(() => logins.close())
    if (kind === 'ok') return { smtp_username, smtp_password }
  }
  const request = { name: 'Demo', scopes: ['messages:send' as const], from_domains: [], networks: [] }
  const made = await createSmtpCredential({ prisma, sealer }, owner, request)
  return { smtp_username: smtpUserName(made.credential.id), smtp_password: made.secret }
}

async function demoInbound(deps: Deps, owner: TenantPrincipal): Promise<string> {
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
  return `anything+${await readTenantToken(deps, owner)}@${deps.inboundDomain}`
}

import type { KeyObject } from 'node:crypto'
import { smtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { createKeyVerifier } from '@lettergate/core/keys'
import { createSealer, deriveKey } from '@lettergate/core/secrets'
import { createSmtpCredential, createSmtpLogins } from '@lettergate/core/smtp-credentials'
import type { Pool } from '@lettergate/db/pool'
import { createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants } from '@lettergate/db/tenant-scope'

export type DemoSmtp = { smtp_username: string; smtp_password: string }

/** The demo tenant's login for SMTP: the one of an earlier start if it still works, else a new one. */
export async function demoSmtp(
  deps: { pool: Pool; databaseUrl: string; secret: KeyObject },
  liveKey: string,
  kept: DemoSmtp | null,
): Promise<DemoSmtp> {
  const { pool, databaseUrl: url, secret } = deps
  const tenants = createTenants({ url, max: 2, applicationName: 'lettergate-cli', onError: () => {} })
  const keys = createKeyVerifier({ pool, pepper: deriveKey(secret, 'api key pepper') })
  const sealer = createSealer({ tenants, root: secret })
  const logins = createSmtpLogins({ pool, sealer, keys })
  try {
    const from = { address: '127.0.0.1', isGuesser: false }
    if (kept && (await logins.byPassword(kept.smtp_username, kept.smtp_password, from)).kind === 'ok')
      return kept
    const owner = await keys.verify(liveKey)
    if (owner?.mode !== 'live') throw new Error('the demo tenant has no live key')
    const request = { name: 'Demo', scopes: ['messages:send' as const], from_domains: [], networks: [] }
    const made = await createSmtpCredential({ prisma: createTenantPrisma(tenants), sealer }, owner, request)
    return { smtp_username: smtpUserName(made.credential.id), smtp_password: made.secret }
  } finally {
    logins.close()
    keys.close()
    sealer.close()
    await tenants.close()
  }
}

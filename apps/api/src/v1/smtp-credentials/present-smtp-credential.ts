import { toPublicId } from '@lettergate/contracts/lib/ids'
import { type SmtpCredential, smtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import type { SmtpCredentialRow } from '@lettergate/core/smtp-credentials'

/** Presents a credential; its secret is not in it. */
export function presentSmtpCredential(row: SmtpCredentialRow): SmtpCredential {
  return {
    id: toPublicId('smc', row.id),
    username: smtpUserName(row.id),
    name: row.name,
    mode: row.mode,
    scopes: row.scopes,
    from_domains: row.from_domains,
    networks: row.networks,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

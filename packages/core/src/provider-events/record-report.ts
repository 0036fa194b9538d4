import type { Queryable } from '@lettergate/db/pool'
import { notify } from '../lib/index.ts'
import { MAIL } from './apply-turn.ts'
import { insertProviderEvents } from './sql/insert-provider-events.ts'

/**
 * Stores a mail that came back to the sender of a message: a delivery report (RFC 3464), a complaint (RFC 5965) or a bounce in a server's
 * own words. Its events are applied as those of providers are. When it resolves, the mail is committed.
 */
export async function recordReport(
  db: Queryable,
  { tenantId, connectionId, raw }: { tenantId: string; connectionId: string; raw: Buffer },
): Promise<void> {
  await insertProviderEvents(db, [{ tenantId, connectionId, provider: MAIL, headers: '{}', body: raw }])
  await notify(db, [{ channel: 'lg_provider_event', payload: '' }])
}

import type { Listener } from '@lettergate/db/listener'
import type { Pool } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import type { FeedNews } from '../feed/index.ts'
import type { Failpoint } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'

/** `ok`: 2xx. `failed`: another answer. `broken`: none. */
export type CallResult = 'ok' | 'failed' | 'broken'

export type WebhookDeps = {
  pool: Pool
  tenants: Tenants
  sealer: Sealer
  egress: Pick<Egress, 'forTenant'>
  listener: Pick<Listener, 'on'>
  news: Pick<FeedNews, 'watch'>
  /** Days for which events stay in the feed. */
  feedDays: number
  failpoint: Failpoint
  onCall: (result: CallResult, ms: number) => void
  /** An endpoint was disabled. */
  onDisabled: (endpoint: { tenantId: string; id: string; reason: string }) => void
  onError: (error: unknown) => void
}

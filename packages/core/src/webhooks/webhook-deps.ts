import type { Listener } from '@lettergate/db/listener'
import type { Pool } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import type { FeedNews } from '../feed/index.ts'
import type { Failpoint } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import type { EndpointAnswer } from './call-endpoint.ts'
import type { EndpointSecrets } from './endpoint-secrets.ts'
import type { ClaimedDelivery } from './sql/claim-deliveries.ts'

/** `ok`: 2xx. `failed`: another answer. `broken`: none. */
export type CallResult = 'ok' | 'failed' | 'broken'

/** Calls that bring a received mail: they have a row of `delivery` as events of messages with a URL of their own do. */
export type InboundCalls = {
  /** Null: the mail is gone. */
  call(
    claimed: ClaimedDelivery & { url: string },
    content: EndpointSecrets,
    signal: AbortSignal,
  ): Promise<EndpointAnswer | null>
  /** The last attempt failed. */
  givenUp(claimed: ClaimedDelivery): Promise<void>
}

export type WebhookDeps = {
  pool: Pool
  tenants: Tenants
  sealer: Sealer
  egress: Pick<Egress, 'forTenant'>
  listener: Pick<Listener, 'on'>
  news: Pick<FeedNews, 'watch'>
  /** Days for which events stay in the feed. */
  feedDays: number
  /** Absent: this process has no part in inbound mail, and leaves such calls. */
  inbound?: InboundCalls
  failpoint: Failpoint
  onCall: (result: CallResult, ms: number) => void
  /** An endpoint was disabled. */
  onDisabled: (endpoint: { tenantId: string; id: string; reason: string }) => void
  onError: (error: unknown) => void
}

import type { DueDay } from '@lettergate/core/data-life'
import type { Failpoint } from '@lettergate/core/lib'
import type { ForeignEvents } from '@lettergate/core/provider-events'
import type { Sealer } from '@lettergate/core/secrets'
import type { Pool } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import type { QueueBackend } from '@lettergate/queue/backend'

export type WorkerDeps = {
  pool: Pool
  tenants: Tenants
  databaseUrl: string
  queue: QueueBackend
  sealer: Sealer
  egress: Egress
  providers: Record<string, Provider>
  feedDays: number
  /** Whether old messages are deleted. */
  retention: boolean
  fallback: 'capture' | 'hold'
  failpoint: Failpoint
  onError: (error: unknown) => void
  /** For the log: when retention begins, and what goes first. */
  onRetentionPreview: (startsAt: Date, due: readonly DueDay[]) => void
  /** For the log: events at the URL of a connection about messages that its tenant does not have. */
  onForeign: (events: ForeignEvents) => void
}

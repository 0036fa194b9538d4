import type { KeyObject } from 'node:crypto'
import type { DueDay } from '@lettergate/core/data-life'
import type { GatewayNames } from '@lettergate/core/domains'
import type { Failpoint } from '@lettergate/core/lib'
import type { ForeignEvents } from '@lettergate/core/provider-events'
import type { Sealer } from '@lettergate/core/secrets'
import type { Pool } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Dns } from '@lettergate/egress/dns'
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
  dns: Dns
  gateway: GatewayNames
  providers: Record<string, Provider>
  feedDays: number
  inboundDays: number
  inboundDomain: string
  /** Of the addresses that bounces and replies come to: the first one makes them, the others read older ones. */
  addressKeys: readonly [KeyObject, ...KeyObject[]]
  /** The tenant that sends notices, and their sender. Undefined: none are sent. */
  notices: Readonly<{ tenant: string; from: string }> | undefined
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

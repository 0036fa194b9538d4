import type { KeyObject } from 'node:crypto'
import type { Acceptor, Submit } from '@lettergate/core/accept'
import type { ConnectionChecker, CountWindow } from '@lettergate/core/connections'
import type { DomainDeps } from '@lettergate/core/domains'
import type { EgressPolicies } from '@lettergate/core/egress'
import type { FeedFollower, WaitingPlaces } from '@lettergate/core/feed'
import type { RecipientFinder } from '@lettergate/core/inbound'
import type { KeyUses, KeyVerifier } from '@lettergate/core/keys'
import type { CursorKey, DatabaseClock, Readiness } from '@lettergate/core/lib'
import type { MessageReader, MessageWaits } from '@lettergate/core/messages'
import type { EventReceiver, EventRegistrar, HookFinder } from '@lettergate/core/provider-events'

import type { Sealer } from '@lettergate/core/secrets'
import type { QuotaCache } from '@lettergate/core/usage'
import type { ActorScope } from '@lettergate/db/actor'
import type { Queryable } from '@lettergate/db/pool'
import type { OperatorPrisma, TenantPrisma } from '@lettergate/db/prisma'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Egress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import type { Logger } from 'pino'
import type { AnswerBudget } from './http/answer-budget.ts'
import type { BodyBudget } from './http/body-budget.ts'
import type { Metrics } from './http/metrics.ts'
import type { RefusedBodies } from './http/refused-bodies.ts'
import type { RequestLimits } from './http/request-limits.ts'

/** How far the end of the process has come. */
export type Stopping = {
  /** Stopping: not ready any more, though requests are still accepted. */
  isDraining: boolean
  /** Nothing new is taken: every answer ends its connection. */
  isClosing: boolean
}

/** All that the app is built from; nothing in it is made here, so a test gives its own. */
export type ApiDeps = {
  /** For the work of one tenant. */
  tenants: Tenants
  /** For what a tenant manages; loaded at first use. */
  prisma: TenantPrisma
  /** For what the operator manages, and for figures over all tenants; opened at first use. */
  operator: OperatorPrisma
  figures: Queryable
  /** Hashes keys. */
  pepper: KeyObject
  /** Names who makes a change, for the log. */
  actors: ActorScope
  domains: DomainDeps
  /** For whether the database may lose what it has confirmed. */
  db: Queryable
  /** Whether the database answers now. */
  readiness: Readiness
  acceptor: Pick<Acceptor, 'waiting'>
  submit: Submit
  /** What is left of a tenant's limits, for answers. */
  quotas: QuotaCache
  clock: DatabaseClock
  keys: KeyVerifier
  /** When keys were used last. */
  uses: KeyUses
  /** Of requests. */
  limits: RequestLimits
  messages: MessageReader
  waits: MessageWaits
  feed: FeedFollower
  /** Bounds of the requests that wait. */
  places: { polls: WaitingPlaces; streams: WaitingPlaces }
  sealer: Sealer
  egress: Pick<Egress, 'forTenant'>
  /** Bounds how often a tenant may try targets. */
  egressTries: CountWindow
  /** What tenants may reach. */
  policies: EgressPolicies
  /** Of what happens beside a request. */
  onError: (error: unknown) => void
  checker: ConnectionChecker
  providers: Readonly<Record<string, Provider>>
  /** Signs the cursors of lists. */
  cursorKey: CursorKey
  logger: Logger
  metrics: Metrics
  budget: BodyBudget
  refusedBodies: RefusedBodies
  /** Bytes that go out. */
  answers: AnswerBudget
  stopping: Stopping
  /** Where programs reach the SMTP server, for settings that they copy. */
  smtp: { host: string; ports: { starttls: number[]; tls: number[] } }
  /** The URLs that providers call. */
  hooks: HookFinder
  receiver: EventReceiver
  registrar: EventRegistrar
  /** Under which every tenant has an address. */
  inboundDomain: string
  /** Whose mail an address gets. */
  recipients: RecipientFinder
}

import type { KeyObject } from 'node:crypto'
import { createIdSource } from '@lettergate/contracts/lib/ids'
import { callbackTarget } from '@lettergate/contracts/webhooks/callback-url'
import { openAccept } from '@lettergate/core/accept'
import {
  createConnectionChecker,
  createCountWindow,
  createCredentialRenewer,
} from '@lettergate/core/connections'
import type { DomainDeps, GatewayNames } from '@lettergate/core/domains'
import { createEgressPolicies } from '@lettergate/core/egress'
import { createFeedFollower, createFeedNews, createWaitingPlaces } from '@lettergate/core/feed'
import { createRecipientFinder } from '@lettergate/core/inbound'
import { createKeyUses, createKeyVerifier } from '@lettergate/core/keys'
import {
  createDatabaseClock,
  createFailpoint,
  createReadiness,
  createTimerWheel,
  makeOwnAddress,
} from '@lettergate/core/lib'
import { createMessageReader, createMessageWaits } from '@lettergate/core/messages'
import {
  createEventReceiver,
  createEventRegistrar,
  createHookFinder,
  createHookIo,
  createHookVisitCounter,
} from '@lettergate/core/provider-events'
import { createSealer, deriveKeys } from '@lettergate/core/secrets'

import { createQuotaCache } from '@lettergate/core/usage'
import { createCallbackReaders } from '@lettergate/core/webhooks'
import { createActorScope } from '@lettergate/db/actor'
import { createListener } from '@lettergate/db/listener'
import { createPool } from '@lettergate/db/pool'
import { createOperatorPrisma, createTenantPrisma } from '@lettergate/db/prisma'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createDns, type Dns } from '@lettergate/egress/dns'
import { createEgress, type EgressOptions } from '@lettergate/egress/egress'
import type { Io, Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import type { Logger } from 'pino'
import type { ApiDeps } from './deps.ts'
import { createAnswerBudget } from './http/answer-budget.ts'
import { createBodyBudget } from './http/body-budget.ts'
import { createMetrics } from './http/metrics.ts'
import { createRefusedBodies } from './http/refused-bodies.ts'
import { createRequestLimits, WINDOW_MS } from './http/request-limits.ts'
import { createSharedCounts } from './http/shared-counts.ts'
import { EGRESS_TRIES_PER_MINUTE } from './v1/egress/try-egress.ts'

/** Two batches of writes, two of reads, lookups of keys, and a few for the rest. */
const CONNECTIONS_MAX = 8
/** For what is asked of one tenant: lists, details, connections. */
const TENANT_CONNECTIONS_MAX = 6
/** For the few requests of the operator; none is open while nobody asks. */
const OPERATOR_CONNECTIONS_MAX = 2
/**
 * A send is answered within three seconds. Postgres gives up first, since its word leaves no doubt; where none comes, there is still
 * time to look by a fresh connection whether the message was stored. A transaction of ours that has fallen silent lets go of its
 * tenant's usage row within two seconds.
 */
const SEND_BOUNDS = {
  lockTimeoutMs: 1_000,
  statementTimeoutMs: 1_750,
  deadlineMs: 2_000,
  waitMs: 2_000,
  idleInTransactionMs: 2_000,
}
/** Anything else is answered within five seconds. */
const TENANT_BOUNDS = {
  statementTimeoutMs: 2_750,
  deadlineMs: 3_000,
  waitMs: 1_500,
  idleInTransactionMs: 5_000,
}
/** A statement that waits longer for its answer shows that the database does not answer. */
const SILENT_MS = 900
/** Of request bodies at once, beyond the first 64 kB of each: one of the largest and some smaller ones. */
const BODY_BYTES_MAX = 96 * 1024 * 1024
/** Of answers at once, beyond those of 64 kB: four of the largest mails as they are built, two of them for one tenant. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024
/**
 * Requests that wait for news: together fewer than connections. A long poll costs about 17 kB, a stream as much and the events that its
 * client has not read yet.
 */
const POLLS_MAX = { max: 10_000, perTenant: 1_000 }
const STREAMS_MAX = { max: 1_000, perTenant: 100 }

export type ApiOptions = {
  databaseUrl: string
  secret: KeyObject
  /** Opens and recognises what it sealed and signed, while the secret is being changed. */
  previousSecret?: KeyObject | undefined
  egressAllow: readonly string[]
  egressMailPort?: boolean
  awsIdentity?: boolean
  /** Where counts of requests are shared with other processes; undefined: each counts for itself. */
  redisUrl?: string | undefined
  /** How providers reach this gateway, without a slash at its end. */
  publicUrl?: string | undefined
  /** Names of this gateway in the DNS; absent: none. */
  gateway?: GatewayNames
  /** For tests. */
  dns?: Dns
  /** All addresses of a name: for tests. */
  egressResolve?: EgressOptions['resolve']
  /** Requests that the check of an event needs: for tests. */
  hookRequest?: Io['request']
  /** Where programs reach the SMTP server; absent: the ports of development on this machine. */
  smtp?: ApiDeps['smtp'] | undefined
  failpoint?: string | undefined
  /** Days for which events stay in the feed; absent: 30. */
  feedDays?: number
  /** Under which every tenant has an address; absent: that of development. */
  inboundDomain?: string
  /** Of answers at once: for tests. */
  answerBytesMax?: number
  /** Called when the database turns out to be one that may lose what it has confirmed. */
  onUndurable?: (issues: string[]) => void
  logger: Logger
}

/** Makes what the app is built from; `close` ends every connection that it opened. */
export function createDeps(options: ApiOptions): ApiDeps & { close(): Promise<void> } {
  const { databaseUrl, secret, previousSecret, logger } = options
  const onError = (error: unknown) => logger.warn({ err: error }, 'the database failed')
  const pool = createPool({
    url: databaseUrl,
    max: CONNECTIONS_MAX,
    applicationName: 'lettergate-api',
    ...SEND_BOUNDS,
    onError,
    onLate(kind) {
      metrics.countLateStatement('shared', kind)
      if (kind === 'silent') tenants.dropIdle()
    },
    role: 'lettergate_batch',
  })
  const actors = createActorScope()
  const tenants = createTenants({
    url: databaseUrl,
    actorOf: actors.current,
    max: TENANT_CONNECTIONS_MAX,
    applicationName: 'lettergate-api-tenants',
    ...TENANT_BOUNDS,
    onError,
    onLate(kind) {
      metrics.countLateStatement('tenants', kind)
      if (kind === 'silent') pool.dropIdle()
    },
  })
  const operatorPool = createPool({
    url: databaseUrl,
    max: OPERATOR_CONNECTIONS_MAX,
    applicationName: 'lettergate-api-operator',
    ...TENANT_BOUNDS,
    onError,
    onLate: (kind) => metrics.countLateStatement('operator', kind),
    role: 'lettergate_operator',
  })
  const metrics = createMetrics({ db: pool, onError })
  const listener = createListener({
    url: databaseUrl,
    onError,
    onSilent: () => metrics.countLateStatement('listen', 'silent'),
  })
  const messages = createMessageReader({ pool })
  const wheel = createTimerWheel()
  const news = createFeedNews({ pool, listener, onLook: metrics.countLook, onError })
  const places = {
    polls: createWaitingPlaces(POLLS_MAX),
    streams: createWaitingPlaces(STREAMS_MAX),
  }
  metrics.watchWaiting('poll', places.polls.count)
  metrics.watchWaiting('stream', places.streams.count)
  const [sign, previousSign] = deriveKeys(secret, previousSecret, 'list cursors')
  const cursorKey = { sign, previous: previousSign }
  const policies = createEgressPolicies({ pool, onError })
  const egress = createEgress({
    policyOf: async (tenantId, atLeast) => (await policies.of(tenantId, atLeast)).policy,
    allow: [...options.egressAllow],
    mailPort: options.egressMailPort,
    ownUrl: options.publicUrl,
    ...(options.egressResolve && { resolve: options.egressResolve }),
  })
  const [pepper, previousPepper] = deriveKeys(secret, previousSecret, 'api key pepper')
  const keys = createKeyVerifier({ pool, pepper, previousPepper, onError })
  const sealer = createSealer({ tenants, root: secret, previous: previousSecret })
  const providers = createProviders({ awsEnvironment: options.awsIdentity })
  const clock = createDatabaseClock({ pool, onError })
  const uses = createKeyUses({ pool, now: clock.now, onResult: metrics.countKeyUses, onError })
  uses.start()
  const limits = createRequestLimits({
    shared:
      options.redisUrl === undefined
        ? null
        : createSharedCounts({
            url: options.redisUrl,
            windowMs: WINDOW_MS,
            onResult: metrics.countLimitSync,
          }),
    onHit: metrics.countLimited,
  })
  limits.start()
  const secrets = createCredentialRenewer({
    tenants,
    sealer,
    onError: (error) => logger.warn({ err: error }, 'a secret that a provider replaced could not be stored'),
  })
  const checker = createConnectionChecker({
    tenants,
    sealer,
    egress,
    secrets,
    providers,
    now: clock.now,
    onError: (error) => logger.warn({ err: error }, 'a connection could not be tested'),
  })
  const prisma = createTenantPrisma(tenants, { actorOf: actors.current })
  const hooks = createHookFinder({ pool, tenants, sealer, providers, now: clock.now })
  const onHookError = (error: unknown) => logger.warn({ err: error }, 'an event of a provider failed')
  const visits = createHookVisitCounter({ pool, now: clock.now, onError: onHookError })
  const receiver = createEventReceiver({
    pool,
    finder: hooks,
    visits,
    io: {
      ...createHookIo({ egress, secrets, now: clock.now }),
      ...(options.hookRequest && { request: options.hookRequest }),
    },
    failpoint: createFailpoint(options.failpoint),
    onReceived: metrics.countProviderEvent,
    onError: onHookError,
  })
  const registrar = createEventRegistrar({
    tenants,
    prisma,
    sealer,
    providers,
    egress,
    secrets,
    publicUrl: options.publicUrl,
    now: clock.now,
    onError: (error) => logger.warn({ err: error }, 'events of a connection could not be registered'),
  })
  const { inboundDomain = 'inbound.lettergate.example' } = options
  const addressKeys = deriveKeys(secret, previousSecret, 'own addresses')
  const recipients = createRecipientFinder({
    pool,
    inboundDomain,
    keys: addressKeys,
  })
  const quotas = createQuotaCache({ pool, onError })
  const dns = options.dns ?? createDns({ allow: options.egressAllow })
  const { acceptor, submit } = openAccept({
    pool,
    tenants,
    providers,
    dns,
    newId: createIdSource(clock.now),
    replyAddress: (messageId) =>
      makeOwnAddress(addressKeys[0], { purpose: 'reply', messageId, position: 0 }, inboundDomain),
    onQuota: quotas.note,
    callbacks: {
      async refusal(tenantId, url) {
        const verdict = await egress.forTenant(tenantId).checkTarget(callbackTarget(url))
        return verdict.ok ? null : verdict.reason
      },
      prepare: createCallbackReaders({ tenants, sealer }),
    },
    failpoint: createFailpoint(options.failpoint),
    onError,
  })
  const domains: DomainDeps = {
    tenants,
    prisma,
    sealer,
    db: pool,
    dns,
    gateway: options.gateway ?? { spfInclude: null, returnPathDomain: null, mayShare: false },
    now: clock.now,
    failpoint: createFailpoint(options.failpoint),
  }
  return {
    tenants,
    prisma,
    operator: createOperatorPrisma(operatorPool, { actorOf: actors.current }),
    figures: operatorPool,
    pepper,
    actors,
    domains,
    db: pool,
    readiness: createReadiness(pool, SILENT_MS),
    acceptor,
    quotas,
    submit,
    clock,
    keys,
    uses,
    limits,
    messages,
    waits: createMessageWaits({ messages, listener, news, places: places.polls, wheel }),
    feed: createFeedFollower({ tenants, cursorKey, keptDays: options.feedDays ?? 30, news, wheel, onError }),
    places,
    sealer,
    egress,
    egressTries: createCountWindow({ max: EGRESS_TRIES_PER_MINUTE, windowMs: 60_000 }),
    policies,
    onError,
    checker,
    providers,
    cursorKey,
    logger,
    metrics,
    budget: createBodyBudget(BODY_BYTES_MAX),
    refusedBodies: createRefusedBodies(),
    answers: createAnswerBudget(options.answerBytesMax ?? ANSWER_BYTES_MAX),
    smtp: options.smtp ?? { host: '127.0.0.1', ports: { starttls: [2525, 2587], tls: [2465] } },
    stopping: { isDraining: false, isClosing: false },
    hooks,
    receiver,
    registrar,
    inboundDomain,
    recipients,
    async close() {
      clock.stop()
      await limits.stop()
      await uses.stop()
      news.close()
      wheel.stop()
      await acceptor.drain()
      await receiver.drain()
      await visits.close()
      await registrar.stop()
      await listener.close()
      checker.stop()
      await secrets.drain()
      await Promise.all(Object.values<Provider>(providers).map((provider) => provider.close?.()))
      await egress.close()
      keys.close()
      sealer.close()
      await Promise.all([pool.end(), tenants.close(), operatorPool.end()])
    },
  }
}

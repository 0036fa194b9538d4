import { setTimeout as sleep } from 'node:timers/promises'
import { createSlots, type Slots } from '../deliver/index.ts'
import { repeatTurns } from '../lib/index.ts'
import { createEndpointCalls, type EndpointCalls } from './endpoint-calls.ts'
import { createTargets } from './open-target.ts'
import type { Served } from './pass-page.ts'
import { type Calling, retryDeliveries } from './retry-deliveries.ts'
import { type PageCalling, servePage } from './serve-endpoint.ts'
import { serveOwnUrls } from './serve-own-urls.ts'
import { AGAIN_AT, type ClaimedDelivery, claimDeliveries, FIRST_TARGET } from './sql/claim-deliveries.ts'
import { releaseExpiredDeliveries } from './sql/end-claims.ts'
import { endLease, LEASE_MS, type Lease, leaseState, renewLease } from './sql/lease-state.ts'
import { listStates, type ServedState } from './sql/list-states.ts'
import type { WebhookDeps } from './webhook-deps.ts'

export type WebhookSender = {
  start(): void
  /** Calls in progress, and endpoints of this installation that are paused. */
  counts(): { busy: number; paused: number; endpoints: number }
  /** Gives calls that are under way this long; resolves when all that is known is recorded. */
  stop(graceMs: number): Promise<void>
}

/** Concurrent calls of one worker; a tenant may hold half of them. */
const CALLS_MAX = 128
/** Places for endpoints that are served at the same time; a tenant may hold half of them, so alone it has all of its endpoints served. */
const SERVED_MAX = 128
/** While others wait for a place, an endpoint keeps its own for about this time. */
const TURN_MS = 1_000
/** New endpoints, and pauses that end, are looked for this often, beside notifications. */
const REFRESH_MS = 5_000
/** Deliveries whose time has come are looked for this often. */
const RETRY_EVERY_MS = 1_000
/** All that these may have is claimed: a limit below it would leave the last of them out, in each round. */
const TARGETS_MAX = 16
const CLAIM_MAX = 128
const EXPIRED_MAX = 500
/** Claimed deliveries in hand: in all, and of one tenant, so that hosts of one that hang leave room for the others. */
const IN_HAND_MAX = 512
const IN_HAND_TENANT_MAX = 32

type InHand = { tenantId: string; target: string; calls: number }

type Wanted = Pick<ServedState, 'id' | 'tenantId'>

/** Null: the process ends. */
const acquireIn = (slots: Slots, tenantId: string) =>
  slots.acquire({ tenantId, isBulk: false }).catch(() => null)

const keyOf = ({ tenantId, mode }: Pick<ServedState, 'tenantId' | 'mode'>) => `${tenantId} ${mode}`

/**
 * Brings events to tenants' endpoints: follows the feed with one cursor for each endpoint, and tries failed deliveries again. Safe in any
 * number of processes: a lease gives an endpoint to one of them.
 */
export function createWebhookSender(deps: WebhookDeps): WebhookSender {
  const targets = createTargets(deps)
  const slots = createSlots(CALLS_MAX)
  const places = createSlots(SERVED_MAX)
  const aborter = new AbortController()
  /** By tenant and mode, since news come so. */
  const states = new Map<string, ServedState[]>()
  const watches = new Map<string, () => void>()
  /** Those that are served, or wait for a place. */
  const serving = new Map<string, Promise<void>>()
  let waitingForPlace = 0
  /** News that came while it was served. */
  const heard = new Set<string>()
  /** By endpoint. */
  const endpointCalls = new Map<string, EndpointCalls>()
  /** These wait for more events before their next call; null: the wait is over. */
  const holds = new Map<string, NodeJS.Timeout | null>()
  /** Their serving ended before the feed did, by a failure or a pause: the next refresh begins again, since no news may come. */
  const unfinished = new Set<string>()
  let isStopped = false
  let unlisten: (() => void) | null = null

  const calling: Calling = {
    acquire: (tenantId) => acquireIn(slots, tenantId),
    signal: aborter.signal,
    isStopping: () => isStopped,
  }

  function want(one: Wanted): void {
    const { id } = one
    if (isStopped) return
    if (serving.has(id)) {
      heard.add(id)
      return
    }
    const run = serveInTurn(one)
      .catch((error: unknown) => {
        unfinished.add(id)
        deps.onError(error)
      })
      .finally(() => {
        serving.delete(id)
        if (heard.delete(id)) want(one)
      })
    serving.set(id, run)
  }

  async function serveInTurn({ id, tenantId }: Wanted): Promise<void> {
    waitingForPlace++
    const leave = await acquireIn(places, tenantId)
    waitingForPlace--
    if (!leave) return
    try {
      await serve(id)
    } finally {
      leave()
    }
  }

  const isPlaceWanted = () => waitingForPlace > 0

  /** Keeps the lease while pages are served. */
  function keepLease(lease: Lease): { isLost: () => boolean; letGo: () => void } {
    let isLost = false
    const renew = async () => {
      isLost ||= !(await renewLease(deps.pool, lease))
    }
    const timer = setInterval(() => void renew().catch(deps.onError), LEASE_MS / 4)
    timer.unref()
    return { isLost: () => isLost, letGo: () => clearInterval(timer) }
  }

  function serveOnce(lease: Lease): Promise<Served> {
    const { id, endpointId } = lease
    if (endpointId === null) return serveOwnUrls(deps, lease)
    const isHoldOver = holds.get(id) === null
    return servePage(deps, targets, Object.assign(lease, { endpointId }), pageCalling(lease), isHoldOver)
  }

  function pageCalling({ id, tenantId }: Lease): PageCalling {
    const calls = endpointCalls.get(id) ?? createEndpointCalls()
    endpointCalls.set(id, calls)
    return {
      ...calling,
      inDoubt: calls.inDoubt,
      isPlaceWanted,
      inHand: () => inHandBy('target').get(id) ?? 0,
      async begin() {
        const end = await calls.begin()
        const release = await calling.acquire(tenantId)
        if (!release) end(false)
        return (
          release &&
          ((isOk) => {
            release()
            end(isOk)
          })
        )
      },
      keep(slow, recorded) {
        inHandUntil(recorded, { tenantId, target: slow.target, calls: 1 })
      },
    }
  }

  /** Serves it again after this time; what comes meanwhile does not make the wait longer. */
  function hold({ id, tenantId }: Wanted, ms: number): void {
    if (holds.has(id)) return
    const timer = setTimeout(() => {
      holds.set(id, null)
      want({ id, tenantId })
    }, ms)
    timer.unref()
    holds.set(id, timer)
  }

  function endHold(id: string): void {
    const timer = holds.get(id)
    if (timer) clearTimeout(timer)
    holds.delete(id)
  }

  async function serve(id: string): Promise<void> {
    const lease = await leaseState(deps.pool, id)
    if (!lease) {
      unfinished.add(id)
      return
    }
    const { isLost, letGo } = keepLease(lease)
    const startedAt = performance.now()
    try {
      while (!isStopped && !isLost()) {
        heard.delete(id)
        const served = await serveOnce(lease)
        if (typeof served === 'object') {
          hold(lease, served.holdMs)
          if (heard.has(id)) continue
          break
        }
        endHold(id)
        if (lease.endpointId === null) retries.wake()
        if (served === 'ended') unfinished.add(id)
        if (served === 'ended' || (served === 'idle' && !heard.has(id))) break
        if (isPlaceWanted() && performance.now() - startedAt > TURN_MS) {
          heard.add(id)
          break
        }
      }
    } finally {
      letGo()
      await endLease(deps.pool, lease)
    }
  }

  async function watch(owner: Pick<ServedState, 'tenantId' | 'mode'>): Promise<void> {
    const key = keyOf(owner)
    if (watches.has(key)) return
    const leave = await deps.news.watch(owner, () => {
      for (const one of states.get(key) ?? []) if (!one.isPaused) want(one)
    })
    watches.set(key, leave)
  }

  /** Reads which endpoints there are; those that are new, or whose pause has ended, are served. */
  async function refresh(): Promise<void> {
    const found = await listStates(deps.pool)
    const before = new Map([...states.values()].flat().map((state) => [state.id, state]))
    states.clear()
    for (const [key, own] of Map.groupBy(found, keyOf)) states.set(key, own)
    for (const state of found) {
      await watch(state)
      const known = before.get(state.id)
      if (!state.isPaused && (!known || known.isPaused || state.isLost || unfinished.delete(state.id)))
        want(state)
    }
    const ids = new Set(found.map(({ id }) => id))
    for (const known of [unfinished, endpointCalls])
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    for (const [key, leave] of watches) {
      if (states.has(key)) continue
      leave()
      watches.delete(key)
    }
  }

  /** Where the next round goes on, so that all targets have their turn. */
  let nextTarget = FIRST_TARGET
  /** Deliveries in hand, until they are recorded. */
  const retrying = new Map<Promise<void>, InHand>()

  /** Calls in hand, by tenant or target. */
  function inHandBy(key: 'tenantId' | 'target'): Map<string, number> {
    const sums = new Map<string, number>()
    for (const one of retrying.values()) sums.set(one[key], (sums.get(one[key]) ?? 0) + one.calls)
    return sums
  }

  const inHand = () => [...retrying.values()].reduce((sum, { calls }) => sum + calls, 0)

  /** Each target by itself: one that hangs keeps no other from being recorded. */
  function retry(own: ClaimedDelivery[]): void {
    const [first] = own
    if (!first) return
    const { tenantId, target } = first
    const held = { tenantId, target, calls: own.length }
    // It had as many as it may have, so there are probably more.
    const isFull = (inHandBy('target').get(target) ?? 0) + own.length > AGAIN_AT
    const claimMore = () => {
      if (isFull && (inHandBy('target').get(target) ?? 0) <= AGAIN_AT) retries.wake()
    }
    const run = retryDeliveries(deps, targets, own, calling, (calls) => {
      held.calls -= calls
      claimMore()
    }).then((isBack) => {
      if (isBack) want({ id: target, tenantId })
    })
    inHandUntil(run, held, claimMore)
  }

  function inHandUntil(recorded: Promise<void>, held: InHand, after?: () => void): void {
    const run = recorded.catch(deps.onError).finally(() => {
      retrying.delete(run)
      after?.()
    })
    retrying.set(run, held)
  }

  async function retryDue(): Promise<void> {
    await releaseExpiredDeliveries(deps.pool, EXPIRED_MAX)
    while (!isStopped && inHand() < IN_HAND_MAX) {
      const { claimed, reached } = await claimDeliveries(deps.pool, nextTarget, {
        targets: TARGETS_MAX,
        limit: CLAIM_MAX,
        inHand: inHandBy('target'),
        fullTenants: [...inHandBy('tenantId')].flatMap(([id, calls]) =>
          calls >= IN_HAND_TENANT_MAX ? id : [],
        ),
      })
      for (const own of Map.groupBy(claimed, (one) => one.target).values()) retry(own)
      nextTarget = reached ?? FIRST_TARGET
      if (reached === null) return
    }
  }

  const onError = deps.onError
  const refreshes = repeatTurns(() => refresh().then(() => REFRESH_MS), { errorMs: REFRESH_MS, onError })
  const retries = repeatTurns(() => retryDue().then(() => RETRY_EVERY_MS), {
    errorMs: RETRY_EVERY_MS,
    onError,
  })

  /** In this order: a page may leave slow calls. */
  async function allRecorded(): Promise<void> {
    await Promise.all(serving.values())
    await Promise.all(retrying.keys())
  }

  const endpoints = () => [...states.values()].flat().filter(({ endpointId }) => endpointId !== null)

  return {
    start() {
      refreshes.start()
      retries.start()
      deps.listener
        .on('lg_endpoint', () => {
          targets.forget()
          refreshes.wake()
        })
        .then(
          (stop) => {
            unlisten = stop
          },
          (error: unknown) => deps.onError(error),
        )
    },
    counts: () => ({
      busy: slots.busy(),
      paused: endpoints().filter(({ isPaused }) => isPaused).length,
      endpoints: endpoints().length,
    }),
    async stop(graceMs) {
      isStopped = true
      unlisten?.()
      const loops = Promise.all([refreshes.stop(), retries.stop()])
      for (const id of [...holds.keys()]) endHold(id)
      for (const leave of watches.values()) leave()
      slots.stop()
      places.stop()
      await Promise.race([allRecorded(), sleep(graceMs)])
      aborter.abort()
      await loops
      await allRecorded()
    },
  }
}

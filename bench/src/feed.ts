import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tenant } from '@lettergate/faults/gateway'
import { memoryFigure, type PartResult, ratioFigure } from './figure.ts'
import { residentMb } from './memory-of.ts'
import { median } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const WAITERS = 10_000
const OF_TENANT_MAX = 1_000
const FEW = 5
/** Connections that are opened at the same time: fewer than the kernel holds. */
const GROUP = 200
/** Node returns what it used for the requests' arrival some seconds after the last of them. */
const SETTLE_MS = 15_000
/** Until a request that was just sent waits. */
const ARRIVE_MS = 1_000
const ROUNDS = 5
const MEMORY_MB_MAX = 400
/** How far a waiter may be behind. */
const WAKE_MS_MAX = 1_000

type Waiter = { socket: Socket; answered: Promise<number> }

/** A client that asks for events, waits, and notes when the answer came. */
async function startWaiter(url: URL, key: string): Promise<Waiter> {
  const socket = connect(Number(url.port), url.hostname)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => undefined)
  const answered = new Promise<number>((resolve) => socket.once('data', () => resolve(performance.now())))
  socket.write(`GET /v1/events?wait=60 HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${key}\r\n\r\n`)
  return { socket, answered }
}

async function startWaiters(url: URL, key: string, count: number): Promise<Waiter[]> {
  const waiters: Waiter[] = []
  while (waiters.length < count) {
    const group = Array.from({ length: Math.min(GROUP, count - waiters.length) }, () => startWaiter(url, key))
    waiters.push(...(await Promise.all(group)))
  }
  return waiters
}

/** Sends one message; answers the milliseconds until the last of these waiters has its event. */
async function wake(gateway: Gateway, tenant: Tenant, waiters: readonly Waiter[]): Promise<number> {
  const startedAt = performance.now()
  const sent = await fetch(`${gateway.apiUrl}/v1/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'a@example.com', to: 'b@example.org', subject: 's', text: 't' }),
  })
  if (sent.status !== 202) throw new Error(`the send was answered ${sent.status}`)
  const answers = await Promise.all(waiters.map(({ answered }) => answered))
  for (const { socket } of waiters) socket.destroy()
  return Math.max(...answers) - startedAt
}

/** Memory of an api with 10,000 idle long polls, and how soon those of one tenant have an event. */
export async function benchFeed(bed: TestBed): Promise<PartResult> {
  await using gateway = await bed.startGateway({ worker: false })
  const url = new URL(gateway.apiUrl)
  const count = bed.count(WAITERS)
  const few = await gateway.createTenant()
  const many: { tenant: Tenant; waiters: Waiter[] }[] = []
  const before = await residentMb(gateway.api.pid)
  for (let left = count - FEW; left > 0; left -= OF_TENANT_MAX) {
    const tenant = await gateway.createTenant()
    many.push({ tenant, waiters: await startWaiters(url, tenant.apiKey, Math.min(left, OF_TENANT_MAX)) })
  }
  const fewMs: number[] = []
  let idle = 0
  for (let round = 0; round < ROUNDS; round++) {
    const waiters = await startWaiters(url, few.apiKey, FEW)
    await sleep(round === 0 ? SETTLE_MS : ARRIVE_MS)
    if (round === 0) idle = await residentMb(gateway.api.pid)
    fewMs.push(await wake(gateway, few, waiters))
  }
  const [first, ...others] = many
  if (!first) throw new Error('nobody waits')
  const manyMs = await wake(gateway, first.tenant, first.waiters)
  for (const { socket } of others.flatMap(({ waiters }) => waiters)) socket.destroy()
  const shown = count.toLocaleString('en')
  const wakeFigure = (name: string, ms: number) =>
    ratioFigure({
      name,
      ours: `${ms.toFixed(0)} ms`,
      reference: `bound ${WAKE_MS_MAX} ms`,
      ratio: ms / WAKE_MS_MAX,
      bound: { atMost: 1 },
    })
  return {
    figures: [
      memoryFigure(
        `api memory, ${shown} idle long polls`,
        idle,
        MEMORY_MB_MAX,
        `${before.toFixed(0)} MB before; ${(((idle - before) * 1_024) / count).toFixed(0)} kB each`,
      ),
      wakeFigure(`send until ${FEW} long polls of ${shown} have the event, over the bound`, median(fewMs)),
      wakeFigure(
        `send until ${first.waiters.length.toLocaleString('en')} long polls of a tenant have the event, over the bound`,
        manyMs,
      ),
    ],
    plots: [],
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Tenant } from '@lettergate/faults/gateway'
import { cpuMicros, cpuMicrosOfFamily } from './cpu-of.ts'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { pump } from './smtp-source.ts'
import { median, spread } from './statistics.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const ROUNDS = 3
const MAILS = 3_000
const LOOK_MS = 50
const MICROS_MAX = 1_500
const RATIO_MIN = 0.3

async function call<T>({ apiUrl }: Gateway, { apiKey }: Tenant, path: string, body?: object): Promise<T> {
  const response = await fetch(`${apiUrl}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return JSON.parse(await response.text())
}

/** A mailbox for every address of the tenant's domain; answers one of them. */
async function addMailbox(gateway: Gateway, tenant: Tenant): Promise<string> {
  const { domain } = await call<{ domain: string }>(gateway, tenant, '/v1/inbound/address')
  const { id: mailbox } = await call<{ id: string }>(gateway, tenant, '/v1/inbound/mailboxes', {
    name: 'All',
  })
  await call(gateway, tenant, '/v1/inbound/routes', {
    name: 'All',
    match: { kind: 'all' },
    actions: [{ type: 'store', mailbox }],
  })
  return `support@${domain}`
}

async function waitUntilRead({ pool }: Gateway): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query({ text: 'select 1 from inbound_due limit 1' })
    if (rowCount === 0) return
    await sleep(LOOK_MS)
  }
}

/** Mail that comes in: stored alone, and then stored, read, authenticated and acted on, by the same listener. */
export async function benchInbound(bed: TestBed): Promise<PartResult> {
  await using gateway = await bed.startGateway({ worker: false })
  const tenant = await gateway.createTenant()
  const to = await addMailbox(gateway, tenant)
  const count = bed.count(MAILS)
  await using smtp = await gateway.startSmtp(tenant)
  const load = { count, isKept: true, to }
  await pump(smtp.inboundPort, load)
  const stored: number[] = []
  for (let round = 0; round < ROUNDS; round++) stored.push(await pump(smtp.inboundPort, load))
  await gateway.pool.query({ text: 'delete from inbound_due' })
  await using worker = await gateway.startWorker()
  await pump(smtp.inboundPort, load)
  await waitUntilRead(gateway)

  const cpu = () => ({
    processes: cpuMicros(smtp.process.pid) + cpuMicros(worker.pid),
    postgres: cpuMicrosOfFamily(bed.cluster.pid),
  })
  const read: { rate: number; micros: number; postgresMicros: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const [before, start] = [cpu(), performance.now()]
    await pump(smtp.inboundPort, load)
    await waitUntilRead(gateway)
    const after = cpu()
    read.push({
      rate: (count / (performance.now() - start)) * 1_000,
      micros: (after.processes - before.processes) / count,
      postgresMicros: (after.postgres - before.postgres) / count,
    })
  }
  const rate = median(read.map((round) => round.rate))
  const micros = median(read.map((round) => round.micros))
  const figures = [
    ratioFigure({
      name: 'inbound mails/s read and acted on, compared with storing alone',
      ours: perSecond(rate),
      reference: `stored ${perSecond(median(stored))}`,
      ratio: rate / median(stored),
      bound: { atLeast: RATIO_MIN },
      note: `rounds ${spread(
        read.map((round) => round.rate),
        perSecond,
      )} and ${spread(stored, perSecond)}`,
    }),
    ratioFigure({
      name: 'processor time of an inbound mail, over the bound',
      ours: `${Math.round(micros)} µs`,
      reference: `bound ${MICROS_MAX} µs`,
      ratio: micros / MICROS_MAX,
      bound: { atMost: 1 },
      note: `SMTP server and worker; Postgres ${Math.round(median(read.map((round) => round.postgresMicros)))} µs more; no questions to the DNS`,
    }),
  ]
  return { figures, plots: [] }
}

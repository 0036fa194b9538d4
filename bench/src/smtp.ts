import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMicros, cpuMicrosOfFamily } from './cpu-of.ts'
import { type Figure, type PartResult, perSecond, ratioFigure, skippedFigure } from './figure.ts'
import { postfixInstalled, startPostfix } from './postfix.ts'
import { benchIdleSessions } from './smtp-idle.ts'
import { pump } from './smtp-source.ts'
import { median, spread } from './statistics.ts'
import type { TestBed } from './test-bed.ts'

const ROUNDS = 3
const KEPT_MAILS = 6_000
const RECONNECTING_MAILS = 2_500
const SETTLE_LOOK_MS = 300
const SETTLED_MICROS = 20_000

type Round = { rate: number; cpuMicros: number }
type Target = { port: number; cpu(): number }

/** Processor time once nothing works on the mails any more: Postfix still discards what it has taken. */
async function settledCpu({ cpu }: Target): Promise<number> {
  for (let before = cpu(); ; ) {
    await sleep(SETTLE_LOOK_MS)
    const now = cpu()
    if (now - before < SETTLED_MICROS) return now
    before = now
  }
}

async function measure(target: Target, count: number, isKept: boolean): Promise<Round> {
  const before = await settledCpu(target)
  const rate = await pump(target.port, { count, isKept })
  return { rate, cpuMicros: ((await settledCpu(target)) - before) / count }
}

const microsText = (micros: number) => `${Math.round(micros)} µs`

function figures(kept: [Round[], Round[]], reconnecting: [Round[], Round[]]): Figure[] {
  const rate = (rounds: Round[]) => median(rounds.map((round) => round.rate))
  const cpu = (rounds: Round[]) => median(rounds.map((round) => round.cpuMicros))
  const [ours, theirs] = kept
  const [oursAlone, theirsAlone] = reconnecting
  return [
    ratioFigure({
      name: 'mails by SMTP accepted/s, sessions kept, compared with Postfix',
      ours: perSecond(rate(ours)),
      reference: `Postfix ${perSecond(rate(theirs))}`,
      ratio: rate(ours) / rate(theirs),
      bound: { atLeast: 3 },
      note: `rounds ${spread(
        ours.map((round) => round.rate),
        perSecond,
      )} and ${spread(
        theirs.map((round) => round.rate),
        perSecond,
      )}; server and Postgres ${microsText(cpu(ours))} a mail, Postfix ${microsText(cpu(theirs))}`,
    }),
    ratioFigure({
      name: 'processor time of a mail by SMTP, a connection for each, compared with Postfix',
      ours: microsText(cpu(oursAlone)),
      reference: `Postfix ${microsText(cpu(theirsAlone))}`,
      ratio: cpu(oursAlone) / cpu(theirsAlone),
      bound: { atMost: 0.33 },
      note: `server and Postgres; rates ${perSecond(rate(oursAlone))} and ${perSecond(rate(theirsAlone))}`,
    }),
  ]
}

/** Mails that programs send by SMTP, beside a Postfix that accepts and discards them; and sessions that wait. */
export async function benchSmtp(bed: TestBed): Promise<PartResult> {
  if (!postfixInstalled())
    return { figures: [skippedFigure('mails by SMTP accepted/s', 'Postfix is not installed')], plots: [] }
  await using gateway = await bed.startGateway({ worker: false })
  const tenant = await gateway.createTenant()
  const rows: Figure[] = []
  {
    await using smtp = await gateway.startSmtp(tenant)
    await using postfix = await startPostfix('discard')
    const ours: Target = {
      port: smtp.openPort,
      cpu: () => cpuMicros(smtp.process.pid) + cpuMicrosOfFamily(bed.cluster.pid),
    }
    const theirs: Target = { port: postfix.port, cpu: () => cpuMicrosOfFamily(postfix.pid) }
    const both = async (count: number, isKept: boolean): Promise<[Round[], Round[]]> => {
      const rounds: [Round[], Round[]] = [[], []]
      for (let round = 0; round < ROUNDS; round++) {
        rounds[1].push(await measure(theirs, bed.count(count), isKept))
        rounds[0].push(await measure(ours, bed.count(count), isKept))
      }
      return rounds
    }
    await pump(ours.port, { count: bed.count(KEPT_MAILS), isKept: true })
    await pump(theirs.port, { count: bed.count(RECONNECTING_MAILS), isKept: true })
    rows.push(...figures(await both(KEPT_MAILS, true), await both(RECONNECTING_MAILS, false)))
  }
  rows.push(...(await benchIdleSessions(bed, gateway, tenant)))
  return { figures: rows, plots: [] }
}

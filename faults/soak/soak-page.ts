import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../src/processes.ts'
import { earlyOf, growthMax, RECOVERY_MS_MAX, type SoakResult } from './soak-verdict.ts'

const PAGE = new URL('../../docs/soak.md', import.meta.url)
const PLOT = fileURLToPath(new URL('../../docs/soak.svg', import.meta.url))
const DRAW = fileURLToPath(new URL('../../bench/src/plot-soak.ts', import.meta.url))
const START = '<!-- measured: written by npm run soak -->\n'
const END = '<!-- /measured -->\n'

const whole = (value: number) => Math.round(value).toLocaleString('en')
const perSecond = (value: number) => `${whole(value)}/s`
const seconds = (ms: number) => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never')

/** What was found, a line each. */
function factsOf(result: SoakResult, violations: readonly string[]): [string, string][] {
  const { capacity, verdict, unknowns, memory, injected } = result
  const worst = Math.max(0, ...injected.map(({ recoveryMs }) => recoveryMs ?? Number.POSITIVE_INFINITY))
  const reasons = Object.entries(unknowns.reasons).map(([reason, count]) => `${count} × ${reason}`)
  const taken = verdict.unknown.filter((one) => one.taken).length
  const statuses = Object.entries(result.statuses).map(
    ([status, count]) => `${status === '0' ? 'none' : status} × ${whole(count)}`,
  )
  const queueAge = result.queueAge ? `, slope over the run ${whole(result.queueAge.growth)} ms` : ''
  return [
    ['verdict', violations.length === 0 ? 'passed' : `**failed**: ${violations.join('; ')}`],
    ['length and seed', `${result.minutes} min, seed ${result.seed}`],
    [
      'capacity',
      `${perSecond(capacity.perSecond)} end to end (windows ${perSecond(capacity.lowest)} to ${perSecond(capacity.highest)})`,
    ],
    [
      'offered',
      `${perSecond(result.perSecond)}${result.rateNote && `, ${result.rateNote}`}; processors ${(result.quietCpu * 100).toFixed(0)} % busy in quiet times, clients and provider included; the host took ${(result.stolen * 100).toFixed(0)} % of their time`,
    ],
    [
      'messages',
      `${whole(verdict.messages)} stored, ${whole(verdict.recipients)} recipients, ${whole(verdict.handOffs)} hand-offs`,
    ],
    ['answers', statuses.join(', ')],
    [
      'oracle',
      `${verdict.lost.length} lost, ${verdict.repeated.length} repeats, ${verdict.overQuota.length} over quota, ${verdict.stuck.length} stuck`,
    ],
    [
      'unknown',
      `${verdict.unknown.length} messages (${taken} taken by the provider), ${unknowns.unexplained.length} without a cause${reasons.length > 0 ? `; recipients by reason: ${reasons.join(', ')}` : ''}`,
    ],
    ['faults', `${injected.length}, worst recovery ${seconds(worst)} (bound ${seconds(RECOVERY_MS_MAX)})`],
    ['queue age in quiet times', `p99 ${whole(result.quietQueueAgeP99Ms)} ms${queueAge}`],
    ...Object.entries(memory).map(([part, trend]): [string, string] => [
      `memory of ${part}`,
      `${whole(trend.start)} MB in the first third, ${whole(trend.end)} MB in the last; slope over ${clockMinutes(trend.seconds)} ${whole(trend.growth)} MB (bound ${whole(growthMax(trend))} MB)`,
    ]),
    [
      'scheduled mail',
      `${earlyOf(result).length || 'never'} early${clockNote(result)}, at most ${seconds(verdict.latestMs)} late, deferrals included`,
    ],
    [
      'at the end',
      `settled ${seconds(result.settledAfterMs)} after the last request; judged in ${seconds(result.judgedAfterMs)}`,
    ],
  ]
}

/** A slewed clock differs by less than a millisecond from one look to the next. */
function clockNote({ clockBackMs }: SoakResult): string {
  return clockBackMs < 1 ? '' : ` (the machine's clock was set back by ${whole(clockBackMs)} ms)`
}

function clockMinutes(value: number): string {
  return `${(value / 60).toFixed(0)} min`
}

/** Faults by kind, with the worst of each. */
function faultRows({ injected }: SoakResult): [string, string, string, string][] {
  const kinds = Object.entries(Object.groupBy(injected, ({ kind }) => kind))
  return kinds.map(([kind, all = []]) => {
    const worst = Math.max(...all.map(({ recoveryMs }) => recoveryMs ?? Number.POSITIVE_INFINITY))
    const awayMs = Math.max(...all.map((one) => one.awayMs))
    const away = awayMs === 0 ? '–' : seconds(awayMs)
    return [kind, String(all.length), away, seconds(worst)]
  })
}

/** For a person at the terminal. */
export function summaryOf(result: SoakResult, violations: readonly string[]): string {
  const facts = factsOf(result, violations).map(([name, value]) => `${name}: ${value.replaceAll('**', '')}\n`)
  const faults = faultRows(result).map(
    ([kind, times, away, worst]) => `  ${kind}: ${times} ×, away for ${away}, worst recovery ${worst}\n`,
  )
  return [...facts, ...faults].join('')
}

/** Rewrites the measured part of docs/soak.md and its plot; the text around it is kept. */
export async function writeRecord(result: SoakResult, violations: readonly string[]): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [before, rest] = page.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('docs/soak.md has lost its markers')
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  const isDrawn = await drawPlot(result)
  const content = [
    ...Object.entries(result.about).map(([name, value]) => `- ${name}: ${value}\n`),
    '\n',
    row(['', '']),
    row(['---', '---']),
    ...factsOf(result, violations).map(row),
    '\n',
    row(['fault', 'times', 'away at most', 'worst recovery']),
    row(['---', '---', '---', '---']),
    ...faultRows(result).map(row),
    ...(isDrawn ? ['\n![Memory and queue age over time, with the faults](soak.svg)\n'] : []),
  ]
  await writeFile(PAGE, before + START + content.join('') + END + after)
}

/** The plotting library belongs to the benchmarks, which build on this package: so it draws in a process of its own. */
async function drawPlot({ samples, injected }: SoakResult): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-plot-'))
  const file = join(folder, 'soak.json')
  await writeFile(file, JSON.stringify({ samples, injected }))
  const drawing = startProcess({ name: 'plot', command: process.execPath, args: [DRAW, file, PLOT] })
  const { code } = await drawing.exited
  await rm(folder, { recursive: true })
  if (code !== 0) process.stderr.write(`no plot: ${drawing.output()}\n`)
  return code === 0
}

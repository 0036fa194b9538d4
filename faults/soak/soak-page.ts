import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../src/processes.ts'
import {
  earlyOf,
  growthMax,
  QUEUE_AGE_GROWTH_MS_MAX,
  QUEUE_AGE_P99_MS_MAX,
  RECOVERY_MS_MAX,
  type SoakResult,
} from './soak-verdict.ts'

const PAGE = new URL('../../docs/soak.md', import.meta.url)
const PLOT = fileURLToPath(new URL('../../docs/soak.svg', import.meta.url))
const DRAW = fileURLToPath(new URL('../../bench/src/plot-soak.ts', import.meta.url))
const START = '<!-- measured: written by npm run soak -->\n'
const END = '<!-- /measured -->\n'

const whole = (value: number) => Math.round(value).toLocaleString('en')
const perSecond = (value: number) => `${whole(value)}/s`
const seconds = (ms: number) => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never')

/** The promises, with the measurements. */
function promisesOf(result: SoakResult): [string, string, string][] {
  const { verdict, unknowns, memory, injected } = result
  const worst = Math.max(0, ...injected.map(({ recoveryMs }) => recoveryMs ?? Number.POSITIVE_INFINITY))
  const queueAge = result.queueAge
    ? [
        [
          'growth of that wait over the run',
          `≤ ${QUEUE_AGE_GROWTH_MS_MAX} ms`,
          `${whole(result.queueAge.growth)} ms`,
        ],
      ]
    : []
  return [
    ['messages lost', '0', `${verdict.lost.length} of ${whole(verdict.messages)}`],
    ['messages sent twice', '0', String(verdict.repeated.length)],
    ['messages stuck', '0', String(verdict.stuck.length)],
    ['daily limits exceeded', '0', String(verdict.overQuota.length)],
    ['scheduled messages sent early', '0', `${earlyOf(result).length}${clockNote(result)}`],
    [
      'unknown results that no fault explains',
      '0',
      `${unknowns.unexplained.length} (unknown messages: ${verdict.unknown.length})`,
    ],
    [
      'slowest recovery after a fault',
      seconds(RECOVERY_MS_MAX),
      `${seconds(worst)}, ${injected.length} faults`,
    ],
    [
      'oldest waiting message in quiet times (p99)',
      `≤ ${whole(QUEUE_AGE_P99_MS_MAX)} ms`,
      `${whole(result.quietQueueAgeP99Ms)} ms`,
    ],
    ...queueAge,
    ...Object.entries(memory).map(([part, trend]) => [
      `memory growth of ${part}`,
      `≤ ${whole(growthMax(trend))} MB`,
      `${whole(trend.growth)} MB in ${clockMinutes(trend.seconds)}`,
    ]),
  ].map(([what = '', bound = '', measured = '']) => [what, bound, measured])
}

/** How the run went, a line each. */
function detailsOf(result: SoakResult): [string, string][] {
  const { capacity, verdict, unknowns, memory } = result
  const reasons = Object.entries(unknowns.reasons).map(([reason, count]) => `${count} × ${reason}`)
  const taken = verdict.unknown.filter((one) => one.taken).length
  const statuses = Object.entries(result.statuses).map(
    ([status, count]) => `${status === '0' ? 'none' : status} × ${whole(count)}`,
  )
  return [
    ['length and seed', `${result.minutes} min, seed ${result.seed}`],
    [
      'capacity',
      `${perSecond(capacity.perSecond)} end to end (windows ${perSecond(capacity.lowest)} to ${perSecond(capacity.highest)})`,
    ],
    [
      'load',
      `${perSecond(result.perSecond)}${result.rateNote && `, ${result.rateNote}`}; processors ${(result.quietCpu * 100).toFixed(0)} % busy in quiet times, clients and provider included; the host took ${(result.stolen * 100).toFixed(0)} % of their time`,
    ],
    [
      'messages',
      `${whole(verdict.messages)} stored, ${whole(verdict.recipients)} recipients, ${whole(verdict.handOffs)} sent to the provider`,
    ],
    ['answers', statuses.join(', ')],
    [
      'unknown',
      `${verdict.unknown.length} messages, of which the provider took ${taken}${reasons.length > 0 ? `; recipients by reason: ${reasons.join(', ')}` : ''}`,
    ],
    ...Object.entries(memory).map(([part, trend]): [string, string] => [
      `memory of ${part}`,
      `${whole(trend.start)} MB in the first third, ${whole(trend.end)} MB in the last`,
    ]),
    ['scheduled mail', `at most ${seconds(verdict.latestMs)} late, deferrals included`],
    [
      'at the end',
      `settled ${seconds(result.settledAfterMs)} after the last request; judged in ${seconds(result.judgedAfterMs)}`,
    ],
  ]
}

const verdictLine = (violations: readonly string[]) =>
  violations.length === 0 ? '**Passed.**' : `**Failed**: ${violations.join('; ')}.`

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
  const promised = promisesOf(result).map(
    ([what, bound, measured]) => `${what}: ${measured} (required: ${bound})\n`,
  )
  const details = detailsOf(result).map(([name, value]) => `${name}: ${value}\n`)
  const faults = faultRows(result).map(
    ([kind, times, away, worst]) => `  ${kind}: ${times} ×, away for ${away}, worst recovery ${worst}\n`,
  )
  return [`${verdictLine(violations).replaceAll('**', '')}\n`, ...promised, ...details, ...faults].join('')
}

/** The measured part of docs/soak.md. */
export function recordOf(result: SoakResult, violations: readonly string[], isDrawn: boolean): string {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [
    ...[row(head), row(head.map(() => '---'))],
    ...rows.map(row),
    '\n',
  ]
  return [
    `${verdictLine(violations)} ${result.minutes} minutes, commit ${result.about.commit}.\n\n`,
    ...table(['what', 'required', 'measured'], promisesOf(result)),
    ...table(['fault', 'times', 'away at most', 'slowest recovery'], faultRows(result)),
    ...(isDrawn ? ['![Memory and queue age over time, with the faults](soak.svg)\n\n'] : []),
    '<details><summary>The run and the machine</summary>\n\n',
    ...Object.entries(result.about).map(([name, value]) => `- ${name}: ${value}\n`),
    ...detailsOf(result).map(([name, value]) => `- ${name}: ${value}\n`),
    '\n</details>\n',
  ].join('')
}

/** Rewrites the measured part of docs/soak.md and its plot; the text around it is kept. */
export async function writeRecord(result: SoakResult, violations: readonly string[]): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [before, rest] = page.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('docs/soak.md has lost its markers')
  const record = recordOf(result, violations, await drawPlot(result))
  await writeFile(PAGE, before + START + record + END + after)
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

import { clock } from '../src/run-faults-progress.ts'
import type { Sample } from './sampler.ts'

export type StatusLine = {
  /** Shown in place on a terminal; elsewhere now and then, on a line of its own. */
  show(sample: Sample, endAt: number): void
  say(text: string): void
  close(): void
}

const PLAIN_EVERY_S = 30

/** Shows the progress, without hiding earlier output. */
export function createStatusLine(out: NodeJS.WriteStream): StatusLine {
  let shownAt = -PLAIN_EVERY_S
  const erase = () => {
    if (out.isTTY) out.write('\r\x1b[K')
  }
  return {
    show(sample, endAt) {
      if (out.isTTY) out.write(`\r\x1b[K${lineOf(sample, endAt).slice(0, Math.max(20, out.columns - 1))}`)
      else if (sample.at - shownAt >= PLAIN_EVERY_S) {
        shownAt = sample.at
        out.write(`${lineOf(sample, endAt)}\n`)
      }
    },
    say(text) {
      erase()
      out.write(`${text}\n`)
    },
    close: erase,
  }
}

const percent = (part: number) => `${(part * 100).toFixed(0)} %`

function lineOf(sample: Sample, endAt: number): string {
  const { at, rate, due, queueAgeMs, requestAgeMs, cpu, stolen, quiet } = sample
  const age = queueAgeMs === null ? 'no database' : `${due} due, oldest ${(queueAgeMs / 1_000).toFixed(1)} s`
  const memory = Object.entries(sample.memory).map(([part, mb]) => `${part} ${mb.toFixed(0)} MB`)
  return [
    `${clock(at * 1_000)}/${clock(endAt * 1_000)}`,
    `${rate.toFixed(0)}/s`,
    age,
    `requests ≤ ${(requestAgeMs / 1_000).toFixed(1)} s`,
    `cpu ${percent(cpu)}`,
    ...(stolen < 0.01 ? [] : [`${percent(stolen)} stolen`]),
    ...(quiet ? [] : ['fault']),
    ...memory,
  ].join(', ')
}

import { styleText } from 'node:util'
import type { FaultRow } from './report-table.ts'

export type Progress = {
  begin(file: string): void
  end(file: string, rows: readonly FaultRow[], seconds: number): void
  close(): void
}

const STYLE = { passed: 'green', failed: 'red', skipped: 'yellow' } as const

/** One line for each file that is done; on a terminal also what is running, and since when. */
export function createProgress(count: number, out: NodeJS.WriteStream): Progress {
  const start = performance.now()
  const running = new Map<string, number>()
  let done = 0
  const position = () =>
    `[${String(done).padStart(String(count).length)}/${count}] ${clock(performance.now() - start)}`
  const draw = () => {
    const names = Array.from(
      running,
      ([file, since]) => `${file.replace('.fault.test.ts', '')} … ${clock(performance.now() - since)}`,
    )
    if (names.length > 0) out.write(`\r\x1b[K${position()} ${names.join(', ')}`)
  }
  const timer = out.isTTY ? setInterval(draw, 1_000) : undefined
  const erase = () => {
    if (out.isTTY) out.write('\r\x1b[K')
  }
  return {
    begin(file) {
      running.set(file, performance.now())
      if (out.isTTY) draw()
    },
    end(file, rows, seconds) {
      done += 1
      running.delete(file)
      erase()
      for (const { test, status, result } of rows) {
        const word = styleText(STYLE[status], status, { stream: out })
        out.write(`${position()} ${test} ${word} in ${seconds.toFixed(0)} s: ${result}\n`)
      }
    },
    close() {
      clearInterval(timer)
      erase()
    },
  }
}

/** 1:05 for 65 seconds. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

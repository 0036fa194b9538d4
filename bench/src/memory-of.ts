import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Resident memory of a process, in MB. */
export async function residentMb(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) / 1_024
}

/** The highest resident memory of a process during the work. */
export async function peakMb<T>(pid: number, work: Promise<T>): Promise<{ result: T; peak: number }> {
  let done = false
  let peak = 0
  const watch = async () => {
    while (!done) {
      peak = Math.max(peak, await residentMb(pid))
      await sleep(500)
    }
  }
  const watching = watch()
  try {
    return { result: await work, peak }
  } finally {
    done = true
    await watching
  }
}

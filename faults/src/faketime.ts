import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LIBRARY = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
].find((path) => existsSync(path))

/** Why no process can be given another clock here, or null. */
export const noFaketime = LIBRARY === undefined ? 'libfaketime is not installed' : null

/** Like a real wrong clock: monotonic clocks continue evenly. */
const COMMON = { LD_PRELOAD: LIBRARY ?? '', FAKETIME_DONT_FAKE_MONOTONIC: '1' }

/** The environment of a process whose clock is this number of seconds ahead, or behind when negative. */
export function clockAhead(seconds: number): Record<string, string> {
  return { ...COMMON, FAKETIME: signed(seconds) }
}

/** Until the next day begins in UTC. */
export function secondsUntilMidnight(): number {
  const dayMs = 86_400_000
  return (dayMs - (Date.now() % dayMs)) / 1000
}

/** Removes the files that libfaketime leaves behind from a killed process. */
export async function forgetClock(pid: number): Promise<void> {
  const files = [`/dev/shm/faketime_shm_${pid}`, `/dev/shm/sem.faketime_sem_${pid}`]
  await Promise.all(files.map((file) => rm(file, { force: true })))
}

export type SteppedClock = AsyncDisposable & {
  env: Record<string, string>
  /** As NTP would; processes notice within a second. */
  step(aheadSeconds: number): Promise<void>
}

/** A clock that can be set while processes run by it. */
export async function createSteppedClock(aheadSeconds: number): Promise<SteppedClock> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-clock-'))
  // Read by processes of other users, too.
  await chmod(folder, 0o755)
  const file = join(folder, 'offset')
  const step = (seconds: number) => writeFile(file, `${signed(seconds)}\n`)
  await step(aheadSeconds)
  return {
    env: { ...COMMON, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1' },
    step,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

function signed(seconds: number): string {
  return `${seconds < 0 ? '-' : '+'}${Math.abs(Math.round(seconds))}`
}

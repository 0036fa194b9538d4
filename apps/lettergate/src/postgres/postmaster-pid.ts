import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { commandLineOf, isAlive, waitForEnd } from '../processes.ts'

export type PostmasterPid = { pid: number; port: number; isReady: boolean }

/** Reads the state file of a running (or killed) Postgres; null if it is not usable. */
export function readPostmasterPid(clusterDir: string): PostmasterPid | null {
  try {
    const lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n')
    const pid = Math.abs(Number(lines[0]))
    // Lines 1, 4 and 8 are pid, port and state: src/include/utils/pidfile.h.
    return pid > 0 ? { pid, port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' } : null
  } catch {
    return null
  }
}

/**
 * Makes the folder free again after a start that was killed: its Postgres may live on as an orphan, or its number may by now
 * belong to a stranger, which Postgres itself would take for its predecessor and refuse to start.
 */
export async function endLeftoverPostgres(clusterDir: string): Promise<void> {
  const left = readPostmasterPid(clusterDir)
  if (!left || !isAlive(left.pid)) return
  const command = commandLineOf(left.pid)
  if (!command.includes(clusterDir) || !command.includes('postgres')) {
    rmSync(join(clusterDir, 'postmaster.pid'), { force: true })
    return
  }
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (isAlive(left.pid)) process.kill(left.pid, signal)
    if (await waitForEnd(left.pid, 5_000)) return
  }
  throw new CliError(
    `a Postgres that an earlier start left behind (process ${left.pid}) does not end; stop it and start again`,
  )
}

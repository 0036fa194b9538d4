import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, errorCode } from './cli-error.ts'

/** A process that this command started; its output goes to a file, so that no process has to read it. */
export type OwnProcess = {
  name: string
  pid: number
  logFile: string
  /** Settles when it is gone; never rejects. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  hasExited(): boolean
  /** Asks it to end with `signal`, and after the grace ends it with `hardSignal`. */
  stop(signal: NodeJS.Signals, graceMs: number, hardSignal?: NodeJS.Signals): Promise<void>
  /** Sends it a message over the channel. */
  send(message: Record<string, number>): void
  /** The last lines that it wrote. */
  lastLines(count: number): string[]
}

export type SpawnOptions = {
  name: string
  file: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  /** Opens a channel by which the child notices our death. */
  channel?: boolean
  uid?: number
  gid?: number
  cwd?: string
}

const LOG_BYTES_MAX = 20 * 1024 * 1024
const TAIL_BYTES = 16 * 1024

/** Starts a process in a group of its own: a Ctrl-C at the terminal reaches us alone, so that we decide the order of stopping. */
export async function spawnOwn(options: SpawnOptions): Promise<OwnProcess> {
  const log = openLog(options.logFile)
  const began = fstatSync(log).size
  const child = spawn(options.file, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: options.channel ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  })
  closeSync(log)
  child.channel?.unref()
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) =>
      reject(new CliError(`cannot start ${options.name}: ${cause.message}`, { cause })),
    )
  })
  return ownProcess(options, child, began)
}

function ownProcess(options: SpawnOptions, child: ChildProcess, began: number): OwnProcess {
  const { pid } = child
  if (pid === undefined) throw new Error(`${options.name} has no process id`)
  const hasExited = () => child.exitCode !== null || child.signalCode !== null
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return {
    name: options.name,
    pid,
    logFile: options.logFile,
    exited,
    hasExited,
    async stop(signal, graceMs, hardSignal = 'SIGKILL') {
      if (hasExited()) return
      child.kill(signal)
      const timer = setTimeout(() => child.kill(hardSignal), Math.max(graceMs, 0))
      await exited
      clearTimeout(timer)
    },
    // A process that has just ended receives nothing: `exited` reports its end.
    send: (message) => void child.send?.(message, () => {}),
    lastLines: (count) => readTail(options.logFile, began).slice(-count),
  }
}

function openLog(path: string): number {
  const before = statSync(path, { throwIfNoEntry: false })
  if (before && before.size > LOG_BYTES_MAX) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}

function readTail(path: string, from: number): string[] {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const start = Math.max(from, size - TAIL_BYTES, 0)
    const buffer = Buffer.alloc(Math.max(size - start, 0))
    const bytes = readSync(file, buffer, 0, buffer.length, start)
    return buffer
      .toString('utf8', 0, bytes)
      .split('\n')
      .filter((line) => line.trim() !== '')
  } finally {
    closeSync(file)
  }
}

/** Whether a process with this id runs, of any owner. A zombie process does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return false
  }
  // Field 3 of /proc/<pid>/stat, after the name in brackets: proc_pid_stat(5).
  const stat = readProc(pid, 'stat')
  return stat === undefined || stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
}

/** The command line of a process, or '' if there is none to see: ids are used again, so a number proves nothing. */
export function commandLineOf(pid: number): string {
  const own = readProc(pid, 'cmdline')
  if (own !== undefined) return own.replaceAll('\0', ' ').trim()
  const ps = spawnSync('ps', ['-o', 'args=', '-ww', '-p', String(pid)], { encoding: 'utf8' })
  return (ps.stdout ?? '').trim()
}

function readProc(pid: number, file: 'stat' | 'cmdline'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}

/** Waits until a process that is not our child is gone; false if it is still there after `timeoutMs`. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(20)) {
    if (!isAlive(pid)) return true
  }
  return !isAlive(pid)
}

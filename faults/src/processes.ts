import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { forgetClock } from './faketime.ts'
import { portAnswers, waitUntil } from './ports.ts'

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type Managed = {
  name: string
  pid: number
  exited: Promise<Exit>
  running(): boolean
  /** The end of what it printed: for the message of a failed test. */
  output(): string
  kill(signal: NodeJS.Signals): Promise<Exit>
  /** SIGTERM, and SIGKILL when that is not heeded. */
  stop(graceMs?: number): Promise<Exit>
}

export type ProcessSpec = {
  name: string
  command: string
  args: string[]
  env?: Record<string, string>
  cwd?: string
  /** Postgres refuses to run as root. */
  uid?: number
  gid?: number
  /** The signal that the kernel sends it when this process dies in any way. */
  orphanSignal?: 'KILL' | 'QUIT' | 'TERM'
}

const OUTPUT_CHARACTERS_MAX = 1_000_000
const SETPRIV = '/usr/bin/setpriv'

/** Starts a child that cannot outlive this process, killed or not, where the kernel offers that. */
export function startProcess(spec: ProcessSpec): Managed {
  const child = spawnBound(spec)
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      output += String(error)
      resolve({ code: -1, signal: null })
    })
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const killOnExit = () => void child.kill('SIGKILL')
  process.once('exit', killOnExit)
  void exited.then(() => process.off('exit', killOnExit))
  if (spec.env?.LD_PRELOAD !== undefined) void exited.then(() => forgetClock(child.pid ?? -1))
  return managed(spec.name, child, exited, () => output)
}

/** Waits for its port to answer; fails immediately, with its output, when the process ends instead. */
export async function untilListening(started: Managed, port: number, timeoutMs = 15_000): Promise<void> {
  await waitUntil(`${started.name} to listen`, timeoutMs, async () => {
    if (!started.running()) throw new Error(`${started.name} ended: ${started.output()}`)
    return await portAnswers(port)
  })
}

function spawnBound(spec: ProcessSpec): ChildProcess {
  const bound = existsSync(SETPRIV)
  const credentials =
    spec.uid === undefined ? [] : [`--reuid=${spec.uid}`, `--regid=${spec.gid}`, '--clear-groups']
  // For the process only: files that libfaketime creates while setpriv is still root are closed to other users.
  const { LD_PRELOAD: preload, ...env } = spec.env ?? {}
  const own = [
    ...(preload === undefined ? [] : ['/usr/bin/env', `LD_PRELOAD=${preload}`]),
    ...[spec.command, ...spec.args],
  ]
  const all = bound
    ? [SETPRIV, ...credentials, '--pdeathsig', spec.orphanSignal ?? 'KILL', '--', ...own]
    : own
  const [command = spec.command, ...args] = all
  return spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env },
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(bound || spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid }),
  })
}

function managed(name: string, child: ChildProcess, exited: Promise<Exit>, output: () => string): Managed {
  const running = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined
  const kill = (signal: NodeJS.Signals) => {
    if (running()) child.kill(signal)
    return exited
  }
  return {
    name,
    pid: child.pid ?? -1,
    exited,
    running,
    output,
    kill,
    async stop(graceMs = 15_000) {
      const grace = new AbortController()
      void sleep(graceMs, undefined, { signal: grace.signal }).then(
        () => kill('SIGKILL'),
        () => undefined,
      )
      return await kill('SIGTERM').finally(() => grace.abort())
    },
  }
}

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnv } from '@lettergate/config/child-env'
import type { Env } from '@lettergate/config/config'
import { vi } from 'vitest'
import { runCommandLine } from '../src/command-line.ts'
import type { DevFile } from '../src/start/dev-file.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts')
const WAIT_MS = 100_000

export type Finished = { code: number | null; stdout: string; stderr: string }
export type RunningCommand = {
  pid: number
  stdout(): string
  kill(signal: NodeJS.Signals): void
  /** As a program does that it is piped to, and that ends before it. */
  closeOutput(): void
  finished: Promise<Finished>
}

/** Settings of this machine must not reach a test. */
const CLEAN: Env = Object.fromEntries(
  [
    'DATABASE_URL',
    'REDIS_URL',
    'LETTERGATE_ENV',
    'LETTERGATE_SECRET',
    'LETTERGATE_SECRET_PREVIOUS',
    'LG_FAILPOINT',
    'API_HOST',
  ].map((name) => [name, undefined]),
)

/** Free ports for mail, so that gateways of several tests run at the same time. */
export const ANY_PORTS = {
  SMTP_PORT: '0',
  SMTP_SUBMISSION_PORT: '0',
  SMTP_TLS_PORT: '0',
  INBOUND_PORT: '0',
}

/** Starts the command line as a user would, in a process of its own. */
export function runCommand(args: readonly string[], env: Env): RunningCommand {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: childEnv({ ...CLEAN, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const finished = new Promise<Finished>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  )
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    kill: (signal) => child.kill(signal),
    closeOutput: () => child.stdout.destroy(),
    finished,
  }
}

let turn: Promise<unknown> = Promise.resolve()

/**
 * Runs a command in this process, for tests of its effects and its texts: it takes a tenth of the time. Output and settings
 * belong to the whole process, so commands take turns.
 */
export function runInside(args: readonly string[], env: Env): Promise<Finished> {
  const run = turn.then(() => runCaptured(args, env))
  turn = run.catch(() => undefined)
  return run
}

async function runCaptured(args: readonly string[], env: Env): Promise<Finished> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += chunk
      return true
    }),
  )
  for (const [name, value] of Object.entries({ ...CLEAN, ...env })) vi.stubEnv(name, value)
  try {
    return { code: await runCommandLine(args), ...written }
  } finally {
    vi.unstubAllEnvs()
    for (const spy of spies) spy.mockRestore()
  }
}

/** Waits for `start` to print that it is ready; fails with its other output. */
export async function untilReady(command: RunningCommand, dataDir: string): Promise<DevFile> {
  const over = command.finished.then(({ stdout, stderr }) => {
    throw new Error(`start ended before it was ready:\n${stdout}${stderr}`)
  })
  const ready = (async () => {
    for (const end = performance.now() + WAIT_MS; performance.now() < end; await sleep(25)) {
      if (command.stdout().includes('is ready'))
        return JSON.parse(readFileSync(join(dataDir, 'dev.json'), 'utf8'))
    }
    throw new Error(`start is not ready:\n${command.stdout()}`)
  })()
  return Promise.race([ready, over])
}

/** Processes whose command line or environment names this folder: those that a start left behind. */
export function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        const isOurs =
          command.includes(folder) || readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder)
        return isOurs && command !== '' ? [`${pid} ${command.replaceAll('\0', ' ')}`] : []
      } catch {
        return []
      }
    })
}

/** As `processesOf`, once they have had time to end. */
export async function untilNoProcesses(folder: string, timeoutMs: number): Promise<string[]> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await sleep(50)) {
    if (processesOf(folder).length === 0) return []
  }
  return processesOf(folder)
}

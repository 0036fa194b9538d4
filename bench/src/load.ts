import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Managed, startProcess } from '@lettergate/faults/processes'
import { cpuMicros } from './cpu-of.ts'

export type LoadResult = {
  requests: number
  seconds: number
  p50Ms: number
  p99Ms: number
  /** Answers of 400 and above. */
  refused: number
  /** Requests that got no answer. */
  broken: number
  /** Processor time that making the load took; 0 where that is not known. */
  cpuMicros: number
}

export type Load = {
  url: string
  key: string
  connections: number
  /** Ends after this time… */
  seconds: number
  /** …or after this number of answers; requests in flight then are cut off. */
  count?: number
  /** A file of paths to GET, one per line; without it, messages are posted to the URL. */
  pathsFile?: string
  /** A file of API keys, one per line, that messages are posted with in turn instead of `key`. */
  keysFile?: string
  /** The recipient of the messages; user@example.net without it, whose domain is never looked up. */
  to?: string
}

const FOLDER = fileURLToPath(new URL('../', import.meta.url))

/** The tool that makes the load: wrk costs the least of the two cores that everything here shares. */
export function loadTool(): 'wrk' | 'autocannon' {
  const found = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'wrk')))
  return found ? 'wrk' : 'autocannon'
}

/** Puts load on a server from a process of its own and says what came back. */
export async function applyLoad(load: Load): Promise<LoadResult> {
  const tool = loadTool() === 'wrk' ? wrk(load) : autocannon(load)
  const started = startProcess({ name: 'load', ...tool })
  const cpu = load.count === undefined ? 0 : await interruptWhenEnough(started)
  const { code } = await started.exited
  const line = started
    .output()
    .split('\n')
    .find((text) => text.startsWith('RESULT '))
  if (code !== 0 || line === undefined) throw new Error(`the load tool failed: ${started.output()}`)
  return { ...JSON.parse(line.slice('RESULT '.length)), cpuMicros: cpu }
}

/** Its processor time is lost with the process. */
async function interruptWhenEnough(started: Managed): Promise<number> {
  while (started.running() && !started.output().includes('ENOUGH')) await sleep(5)
  const cpu = cpuMicros(started.pid)
  await started.kill('SIGINT')
  return cpu
}

type Command = { command: string; args: string[]; env: Record<string, string> }

function wrk(load: Load): Command {
  const script = join(FOLDER, load.pathsFile === undefined ? 'send.lua' : 'read.lua')
  const args = [
    '-t1',
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    '--timeout',
    '30s',
    '--latency',
    '-s',
    script,
    load.url,
  ]
  const env = {
    KEY: load.key,
    COUNT: String(load.count ?? 0),
    PATHS: load.pathsFile ?? '',
    KEYS: load.keysFile ?? '',
    TO: load.to ?? '',
  }
  return { command: 'wrk', args, env }
}

function autocannon(load: Load): Command {
  return {
    command: process.execPath,
    args: [join(FOLDER, 'src/autocannon-main.ts'), JSON.stringify(load)],
    env: {},
  }
}

/** Answers that were not refused, per second. */
export function rateOf(result: LoadResult): number {
  return (result.requests - result.refused) / result.seconds
}

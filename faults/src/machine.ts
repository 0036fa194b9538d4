import { execFile } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { postgresVersion } from './postgres.ts'

const run = promisify(execFile)

/** Where and with what a run was made: figures mean nothing without it. */
export async function describeMachine(): Promise<Record<string, string>> {
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, kernel ${release()}`,
    node: process.version,
    postgres: await postgresVersion(),
    redis: (await firstLine('redis-server', ['--version'])).replace(/ sha=.*/, ''),
  }
}

/** The commit under test; with a plus sign when files differ from it. */
export async function describeCommit(): Promise<string> {
  const commit = await firstLine('git', ['rev-parse', '--short', 'HEAD'])
  const changed = await firstLine('git', ['status', '--porcelain', '--', 'apps', 'packages', 'faults'])
  return changed === '' ? commit : `${commit}+`
}

function firstLine(command: string, args: string[]): Promise<string> {
  return run(command, args).then(
    ({ stdout }) => stdout.trim().split('\n')[0] ?? '',
    () => 'not installed',
  )
}

import { execFile } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where and with what a run was made: figures mean nothing without it. */
export async function describeMachine(postgresVersion: string): Promise<Record<string, string>> {
  const versionOf = (command: string, ...args: string[]) =>
    run(command, args).then(
      ({ stdout }) => stdout.trim().split('\n')[0] ?? '',
      () => 'not installed',
    )
  return {
    commit: await versionOf('git', 'rev-parse', '--short', 'HEAD'),
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, kernel ${release()}`,
    node: process.version,
    postgres: postgresVersion,
    redis: (await versionOf('redis-server', '--version')).replace(/ sha=.*/, ''),
    postfix: await versionOf('postconf', '-dh', 'mail_version'),
  }
}

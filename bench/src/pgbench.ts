import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { startProcess } from '@lettergate/faults/processes'
import type { Gateway } from './test-bed.ts'

/** Runs of a script per second. */
export async function runPgbench(
  gateway: Pick<Gateway, 'databaseUrl'>,
  script: string,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<number> {
  const run = startProcess({
    name: 'pgbench',
    command: 'pgbench',
    args: [
      ...['-n', '-M', 'prepared', '-c', String(clients), '-j', '1'],
      ...['-T', String(seconds), '-f', script, gateway.databaseUrl],
    ],
  })
  const { code } = await run.exited
  const transactions = Number(/^tps = ([\d.]+)/m.exec(run.output())?.[1])
  if (code !== 0 || !(transactions > 0)) throw new Error(`pgbench failed: ${run.output()}`)
  return transactions
}

export function pgbenchInstalled(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'pgbench')))
}

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ClientLedger } from './client-ledger.ts'
import type { OverloadPlan, OverloadResult } from './overload-client.ts'

/** Applies the load from a process of its own. */
export async function applyOverload(plan: OverloadPlan): Promise<OverloadResult> {
  const main = fileURLToPath(new URL('./overload-client-main.ts', import.meta.url))
  const child = fork(main, [JSON.stringify(plan)], {
    stdio: 'inherit',
    execArgv: [],
    serialization: 'advanced',
  })
  const exited = once(child, 'exit').then(() => {
    throw new Error('the load ended without a result')
  })
  const [result]: OverloadResult[] = await Promise.race([once(child, 'message'), exited])
  exited.catch(() => undefined)
  if (result === undefined) throw new Error('the load gave no result')
  return result
}

/** Writes the answers to the load into the ledger, for the oracle. */
export function rememberOverload(ledger: ClientLedger, name: string, result: OverloadResult): void {
  const at = Date.now()
  for (const messageId of result.acceptedIds) {
    ledger.open(`${name}-${messageId}`, 1).answers.push({ at, status: 202, messageId })
  }
  const unknown = result.unanswered + result.uncertain + (result.answers[0] ?? 0)
  for (let request = 0; request < unknown; request++) {
    ledger.open(`${name}-unknown-${request}`, 1)
  }
}

/** Accepted requests a second. */
export function acceptedRate({ acceptedMs, seconds }: OverloadResult): number {
  return acceptedMs.length / seconds
}

/** The most memory that a process has had resident, in MB. */
export function peakMb(pid: number): number {
  const kb = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kb) / 1024)
}

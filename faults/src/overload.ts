import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ClientLedger } from './client-ledger.ts'
import { type OverloadPlan, type OverloadResult, overloadRequest } from './overload-client.ts'

/** Applies the load from a process of its own. */
export async function applyOverload(plan: OverloadPlan): Promise<OverloadResult> {
  const [result] = await applyTogether([plan])
  if (result === undefined) throw new Error('the load gave no result')
  return result
}

/** Applies several at the same time, from one process; answers in their order. */
export async function applyTogether(plans: OverloadPlan[]): Promise<OverloadResult[]> {
  const main = fileURLToPath(new URL('./overload-client-main.ts', import.meta.url))
  const child = fork(main, [JSON.stringify(plans)], {
    stdio: 'inherit',
    execArgv: [],
    serialization: 'advanced',
  })
  const exited = once(child, 'exit').then(() => {
    throw new Error('the load ended without a result')
  })
  const [results]: OverloadResult[][] = await Promise.race([once(child, 'message'), exited])
  exited.catch(() => undefined)
  if (results?.length !== plans.length) throw new Error('the load gave no result')
  return results
}

/** A server that refuses every request of a load in the cheapest way there is, in a process of its own. */
export async function startBareRefuser(apiKey: string): Promise<{ port: number } & AsyncDisposable> {
  const main = fileURLToPath(new URL('./bare-refuser-main.ts', import.meta.url))
  const child = fork(main, [String(overloadRequest(apiKey).length)], { stdio: 'inherit', execArgv: [] })
  const [listening]: { port: number }[] = await once(child, 'message')
  if (listening === undefined) throw new Error('the refuser does not listen')
  return {
    port: listening.port,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Writes into the ledger what the load was told, for the oracle. */
export function rememberOverload(ledger: ClientLedger, name: string, result: OverloadResult): void {
  const at = Date.now()
  for (const messageId of result.acceptedIds) {
    ledger.open(`${name}-${messageId}`, 1).answers.push({ at, status: 202, messageId })
  }
  for (let request = 0; request < result.unanswered + (result.answers[0] ?? 0); request++) {
    ledger.open(`${name}-unanswered-${request}`, 1)
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

import { judge, type Verdict } from './oracle.ts'
import { waitUntil } from './ports.ts'
import { readDatabase } from './read-database.ts'
import type { Stack } from './stack.ts'

/** Waits until nothing is left to do, for as long as the bound; what is left then shows as stuck in the verdict. */
export async function settle(
  stack: Stack,
  timeoutMs: number,
): Promise<{ verdict: Verdict; waitedMs: number }> {
  const start = performance.now()
  const isEmpty = async () => {
    const { rowCount } = await stack.pool.query({ text: 'select 1 from outbox limit 1' })
    return rowCount === 0
  }
  await waitUntil('the backlog to be empty', timeoutMs, isEmpty, 200).catch(() => undefined)
  return { verdict: await judgeStack(stack), waitedMs: Math.round(performance.now() - start) }
}

/** The oracle's verdict on a stack as it is now. */
export async function judgeStack(stack: Stack): Promise<Verdict> {
  const servers = [stack.provider, ...(stack.smtp ? [stack.smtp] : []), ...stack.added]
  const ledgers = await Promise.all(servers.map((server) => server.ledger()))
  return judge({
    client: stack.ledger.requests(),
    provider: ledgers.flat(),
    database: await readDatabase(stack.pool),
  })
}

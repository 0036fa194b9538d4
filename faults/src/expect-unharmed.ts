import { expect } from 'vitest'
import type { ClientRequest } from './client-ledger.ts'
import { waitsOf } from './fairness.ts'
import { percentile } from './percentile.ts'
import type { ProviderEntry } from './provider-ledger.ts'

/** The wait that a mail of another tenant may have, for any fault of the first tenant. */
export const WAIT_MS_MAX = 2_000
/** Three times the idle wait, but not less than this: a busy machine alone adds as much. */
const WAIT_MS_LEAST = 500

export const UNHARMED_BOUND = `p99 of the others ≤ 3 × or ${WAIT_MS_LEAST} ms, and ≤ ${WAIT_MS_MAX} ms`

/** Others wait about as long as they did before; answers how long. */
export async function expectUnharmed(
  requests: { idle: readonly ClientRequest[]; busy: readonly ClientRequest[] },
  provider: { ledger(): Promise<ProviderEntry[]> },
): Promise<string> {
  const idleP99 = percentile(await waitsOf(requests.idle, provider), 99)
  const p99 = percentile(await waitsOf(requests.busy, provider), 99)
  expect(p99).toBeLessThanOrEqual(Math.min(WAIT_MS_MAX, Math.max(3 * idleP99, WAIT_MS_LEAST)))
  return `p99 wait of the others ${p99} ms, ${idleP99} ms before`
}

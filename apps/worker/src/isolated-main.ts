import type { Claim } from '@lettergate/core/dispatch'
import { startDelivery } from './delivery.ts'
import type { FromIsolated, ToIsolated } from './isolation-protocol.ts'
import { openParts } from './parts.ts'
import { startWatchdog } from './watchdog.ts'

const GRACE_MS = 5_000
/** One call at a time. */
const POOLS = {
  applicationName: 'lettergate-isolated',
  poolMax: 2,
  tenantPoolMax: 2,
  isIsolated: true,
}

function say(message: FromIsolated): void {
  // Its worker may be gone: then it ends as well.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

/** Carries one claim at a time for a worker: if it dies over one, nothing else dies with it. */
async function main(): Promise<void> {
  startWatchdog()
  const { parts, log, close } = openParts(POOLS)
  const delivery = await startDelivery(parts, {
    slots: 2,
    on: {
      onPolled: () => undefined,
      onHealthSync: () => undefined,
      onReserve: () => undefined,
      onAttempt: (attempt) => say({ kind: 'attempt', attempt }),
    },
  })
  let current: Promise<void> | null = null

  async function carry(claim: Claim): Promise<void> {
    // The lease of the claim ends by itself, as in a worker.
    await delivery.deliver(claim).catch((error: unknown) => log.error({ err: error }))
    say({ kind: 'done', epoch: claim.epoch })
  }

  async function stop(): Promise<void> {
    setTimeout(() => process.exit(1), GRACE_MS + 2_000).unref()
    delivery.refuse(GRACE_MS)
    await current
    await delivery.end()
    await close()
    process.exit(0)
  }

  process.on('message', ({ claim }: ToIsolated) => {
    current = carry(claim)
  })
  for (const ending of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(ending, () => void stop())
  say({ kind: 'ready' })
}

main().catch((error: unknown) => {
  process.stderr.write(`The process for a suspected message could not start: ${String(error)}\n`)
  process.exit(1)
})

import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { reportWithoutSecrets } from '@lettergate/providers/lib/redact'
import type { AccountReport, Provider } from '@lettergate/providers/provider'
import { fromStorage } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import { createCountWindow } from './count-window.ts'
import { openConnection } from './open-connection.ts'
import { createIo, type IoDeps } from './provider-io.ts'
import { resetHealth } from './sql/reset-health.ts'

export type Checked = { report: AccountReport; tookMs: number }

export type ConnectionChecker = {
  /** Asks the provider about the account behind a connection of this tenant; sends nothing. */
  check(tenantId: string, id: string): Promise<Checked>
  /** Ends checks in progress, and starts no new ones. */
  stop(): void
}

/** A person waits for it. */
const DEADLINE_MS = 15_000
/** Of one tenant, in each process: providers count these as failed logins when the password is wrong. */
const CHECKS_PER_MINUTE = 10
/** Checks in progress for all tenants: each holds a socket. */
const UNDER_WAY_MAX = 50

const unopened: AccountReport = {
  problem: {
    code: 'provider-credentials-refused',
    reason: 'the stored credentials cannot be opened or are not of the kind that this provider takes now',
    advice: ['Store the credentials of this connection again.'],
  },
  notes: [],
}

function failed(reason: string): AccountReport {
  const advice = ['Compare host and port in the settings with the provider’s documentation; try again later.']
  return { problem: { code: 'provider-unreachable', reason, advice }, notes: [] }
}

function overloaded(detail: string): Problem {
  return new Problem('overloaded', { detail, headers: { 'retry-after': '1' } })
}

/** Checks stored connections, through the same egress as attempts. */
export function createConnectionChecker(
  deps: IoDeps & {
    tenants: Tenants
    sealer: Sealer
    providers: Readonly<Record<string, Provider>>
    deadlineMs?: number
    onError: (error: unknown) => void
  },
): ConnectionChecker {
  const { deadlineMs = DEADLINE_MS } = deps
  const window = createCountWindow({ max: CHECKS_PER_MINUTE, windowMs: 60_000 })
  const stopping = new AbortController()
  let underWay = 0

  async function ask(tenantId: string, id: string): Promise<AccountReport> {
    const opened = await openConnection(deps, tenantId, id)
    if (!opened) return unopened
    const { provider, connection } = opened
    const late = AbortSignal.timeout(deadlineMs)
    const signal = AbortSignal.any([late, stopping.signal])
    const io = createIo(deps, { signal }, { owner: { tenantId, connectionId: id, provider }, deadlineMs })
    // A check that ignores the signal is not awaited.
    const ended = new Promise<AccountReport>((resolve) => {
      signal.addEventListener('abort', () => resolve(failed(`no answer within ${deadlineMs / 1000} s`)), {
        once: true,
      })
    })
    const answer = provider.check(connection, io).catch((error: unknown) => {
      if (!signal.aborted) deps.onError(error)
      return failed('the check broke off')
    })
    const report = await Promise.race([answer, ended])
    // A successful test is the only sign that a problem at the provider was repaired.
    if (report.problem === null)
      await fromStorage(deps.tenants.forTenant(tenantId).query(resetHealth(tenantId, id, 'tested')))
    return reportWithoutSecrets(report, connection.credentials)
  }

  return {
    async check(tenantId, id) {
      if (stopping.signal.aborted) throw overloaded('This gateway is being restarted. Try again.')
      const waitSeconds = window.take(tenantId)
      if (waitSeconds > 0) {
        throw new Problem('rate-limited', {
          detail: `Connections may be tested ${CHECKS_PER_MINUTE} times a minute.`,
          headers: { 'retry-after': String(waitSeconds) },
        })
      }
      if (underWay >= UNDER_WAY_MAX) throw overloaded('Too many connections are being tested. Try again.')
      underWay++
      const startedAt = performance.now()
      try {
        const report = await ask(tenantId, id)
        if (stopping.signal.aborted) throw overloaded('This gateway is being restarted. Try again.')
        return { report, tookMs: Math.round(performance.now() - startedAt) }
      } finally {
        underWay--
      }
    },
    stop: () => stopping.abort(),
  }
}

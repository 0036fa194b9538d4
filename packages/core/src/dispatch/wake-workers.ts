import type { Queryable } from '@lettergate/db/pool'
import { notify } from '../lib/index.ts'

/** At most this often; a claim takes longer than that anyway. */
const INTERVAL_MS = 5

/** Tenants named in one notification (36 bytes each, 8,000 in all); with more, it names none and means any. */
const TENANTS_MAX = 200

export type WakeWorkers = (tenantId: string) => void

/** Reads the tenants of a notification; null: any. */
export function wokenTenants(payload: string): string[] | null {
  return payload === '' ? null : payload.split(',')
}

/** Notifies the workers of new work, after the commit; never awaited. */
export function createWorkerWaker(db: Queryable, onError: (error: Error) => void): WakeWorkers {
  let last = 0
  let timer: NodeJS.Timeout | null = null
  const tenants = new Set<string>()

  function send(): void {
    timer = null
    last = performance.now()
    const payload = tenants.size > TENANTS_MAX ? '' : [...tenants].join(',')
    tenants.clear()
    notify(db, [{ channel: 'lg_outbox', payload }]).catch(onError)
  }

  return (tenantId) => {
    tenants.add(tenantId)
    if (timer) return
    const wait = last + INTERVAL_MS - performance.now()
    if (wait <= 0) send()
    else timer = setTimeout(send, wait).unref()
  }
}

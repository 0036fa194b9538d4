import { toPublicId } from '@lettergate/contracts/lib/ids'
import { notify } from '../lib/index.ts'
import { FAILING_MS_MAX } from './delivery-schedule.ts'
import { disableEndpoint } from './sql/disable-endpoint.ts'
import type { WebhookDeps } from './webhook-deps.ts'

const GONE = 'The URL answered 410 Gone.'
const FAILING = 'No call succeeded for five days.'

/** Why an endpoint is to be disabled after failures; null: it is not. */
export function disableReason(hasGone: boolean, failingSince: Date | null, now: number): string | null {
  if (hasGone) return GONE
  return failingSince !== null && now - failingSince.getTime() > FAILING_MS_MAX ? FAILING : null
}

/** Disables it once, with an event of the account. */
export async function disable(
  deps: WebhookDeps,
  endpoint: { tenantId: string; id: string },
  reason: string,
): Promise<void> {
  const { tenantId, id } = endpoint
  const detail = JSON.stringify({ endpoint: toPublicId('end', id) })
  const isFirst = await disableEndpoint(deps.tenants.forTenant(tenantId), endpoint, reason, detail)
  if (!isFirst) return
  deps.onDisabled({ ...endpoint, reason })
  await notify(deps.pool, [
    { channel: 'lg_feed', payload: tenantId },
    { channel: 'lg_endpoint', payload: tenantId },
  ]).catch(deps.onError)
}

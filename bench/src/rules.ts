import { createConnection, sesConnection } from '@lettergate/faults/gateway'
import { chooseSettings, openPool } from '@lettergate/faults/shared-pool'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { tenantUuid } from './fill-messages.ts'
import { compareRates } from './in-turns.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const CONNECTIONS = 32
const SUPPRESSED = 10_000
/** Nothing is sent here, so nothing has to answer there. */
const PROVIDER_URL = 'http://127.0.0.1:9'
/** Not one of those that are known to have no mail server, and are never looked up. */
const TO = 'user@receiver.bench-of-lettergate.net'
/** Far above what is sent: a limit that is counted and never met. */
const LIMIT = 1_000_000

/** A tenant for which every rule has to be asked for each message, and none refuses it. */
async function createRuledTenant(gateway: Gateway): Promise<string> {
  const { apiKey, tenantId } = await gateway.createTenant()
  await openPool(gateway, PROVIDER_URL)
  await createConnection(gateway.apiUrl, apiKey, sesConnection(PROVIDER_URL))
  await chooseSettings(gateway.apiUrl, apiKey, { pool: 'first', recipient_domain_check: 'warn' })
  const id = tenantUuid(tenantId)
  await gateway.pool.query({
    text: `update tenant set own_limits = own_limits
             || jsonb_build_object('requests_per_second', $2::int4, 'pool_per_day', $3::int4, 'accepted_per_month', $3::int4, 'bytes_per_day', 1e15::int8)
           where id = $1`,
    values: [id, LIMIT, 2_000_000_000],
  })
  await gateway.pool.query({
    text: `insert into suppression (tenant_id, mode, address, stream, reason)
           select $1, 'live', 'user' || n || '@suppressed.example', '*', 'manual' from generate_series(1, $2::int4) n`,
    values: [id, SUPPRESSED],
  })
  return apiKey
}

/** POST /v1/send with every rule of accepting in use, beside a gateway whose tenant has none: no pool, no connection, no lists, no limits. */
export async function benchRules(bed: TestBed): Promise<PartResult> {
  await using ruled = await bed.startGateway({ worker: false })
  await using bare = await bed.startGateway({ worker: false })
  const side = (gateway: Gateway, key: string) => ({
    gateway,
    load: { url: `${gateway.apiUrl}/v1/send`, key, connections: CONNECTIONS, to: TO },
  })
  const [ruledKey, { apiKey }] = [await createRuledTenant(ruled), await bare.createTenant()]
  const { ours, reference, ratio, note } = await compareRates(bed, side(ruled, ruledKey), side(bare, apiKey))
  const figure = ratioFigure({
    name: 'accept with all rules, over accept without',
    ours: perSecond(ours),
    reference: `without ${perSecond(reference)}`,
    ratio,
    bound: { atLeast: 0.85 },
    note,
  })
  return { figures: [figure], plots: [] }
}

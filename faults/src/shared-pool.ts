import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { type Client, createClient } from './client.ts'
import { createPoolConnection, createTenant, runCommand, sesConnection, type Tenant } from './gateway.ts'
import type { Stack } from './stack.ts'

export type PoolChoices = { pool?: 'first' | 'last'; overflow?: 'hold' | 'reject' }
export type PoolTenant = Tenant & { id: string; client: Client }

/** Gives a gateway a shared pool of one connection, to this provider. */
export async function openPool(
  { pool, env, apiUrl }: Pick<Stack, 'pool' | 'env' | 'apiUrl'>,
  providerUrl: string,
): Promise<void> {
  // The domain of every mail of the kit counts as proved: how domains are proved is tested elsewhere.
  await pool.query({
    text: `create or replace function proved_domains(of_tenant uuid) returns text[] language sql stable as
           $$ select array['acme.example']::text[] $$`,
  })
  const { key }: { key: string } = JSON.parse(await runCommand(['key', 'create', '--admin'], env))
  await createPoolConnection(apiUrl, key, sesConnection(providerUrl))
}

/** Changes the settings of a tenant. */
export async function chooseSettings(apiUrl: string, apiKey: string, choices: object): Promise<void> {
  const response = await fetch(`${apiUrl}/v1/settings`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(choices),
  })
  if (!response.ok) throw new Error(`the settings were refused: ${await response.text()}`)
}

/** A tenant without a connection of its own, with this many recipients a day on the pool. */
export async function addPoolTenant(stack: Stack, share: number, choices: PoolChoices): Promise<PoolTenant> {
  const tenant = await createTenant(stack.env, 100_000)
  const id = fromPublicId('ten', tenant.tenantId) ?? ''
  await stack.pool.query({
    text: `update tenant set own_limits = own_limits || jsonb_build_object('pool_per_day', $2::int4) where id = $1`,
    values: [id, share],
  })
  await chooseSettings(stack.apiUrl, tenant.apiKey, choices)
  const client = createClient({
    url: stack.apiUrl,
    apiKey: tenant.apiKey,
    ledger: stack.ledger,
    connections: 8,
  })
  return { ...tenant, id, client }
}

/** A tenant's recipients on the pool, from every side. */
export type PoolAccount = {
  id: string
  /** By the counter of the day. */
  counted: number
  /** By the messages that have a share. */
  shares: number
  /** Messages that are still to be sent, and those of them with a share. */
  waiting: number
  open: number
  held: number
}

/** The accounts of these tenants, in one look. */
export async function readPoolAccounts(
  { pool }: Stack,
  tenants: readonly PoolTenant[],
): Promise<PoolAccount[]> {
  const { rows } = await pool.query<PoolAccount>({
    text: `select t.id,
             coalesce((select sum(u.pool) from usage u where u.tenant_id = t.id), 0)::int4 as counted,
             coalesce((select sum(m.pool_n) from message m where m.tenant_id = t.id), 0)::int4 as shares,
             (select count(*) from outbox o where o.tenant_id = t.id)::int4 as waiting,
             (select count(*) from message m join outbox o on o.message_id = m.id where m.tenant_id = t.id and m.pool_n > 0)::int4 as open,
             (select count(*) from recipient r where r.tenant_id = t.id and r.status = 'held')::int4 as held
           from unnest($1::uuid[]) with ordinality as t(id, position) order by t.position`,
    values: [tenants.map(({ id }) => id)],
  })
  return rows
}

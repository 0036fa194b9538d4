import { column, rowArray } from '@lettergate/db/composite-rows'
import type { Queryable } from '@lettergate/db/pool'

/** A request of a provider, after it was verified. */
export type RawEvent = {
  tenantId: string
  connectionId: string
  provider: string
  /** As JSON. */
  headers: string
  body: Buffer
}

const toArray = rowArray<RawEvent>('provider_event_row', [
  column('uuid', (row) => row.tenantId),
  column('uuid', (row) => row.connectionId),
  column('text', (row) => row.provider),
  column('json', (row) => row.headers),
  column('bytea', (row) => row.body),
])

const text = `
with stored as (
  insert into provider_event (tenant_id, connection_id, provider, headers, body)
  select tenant_id, connection_id, provider, headers, body from unnest($1::provider_event_row[])
  returning id, received_at, tenant_id
)
insert into provider_event_due (id, received_at, tenant_id) select id, received_at, tenant_id from stored`

/** Keeps requests of any tenants, and the work that they are, in one statement. */
export async function insertProviderEvents(db: Queryable, events: readonly RawEvent[]): Promise<void> {
  await db.query({ name: 'insert-provider-events', text, values: [await toArray(db, events)] })
}

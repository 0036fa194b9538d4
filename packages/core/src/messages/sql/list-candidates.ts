import type { Queryable } from '@lettergate/db/pool'

/** Ids from `from` (included) up to `before` (not included), newest first. */
export type ListWindow = { tenantId: string; from: string; before: string; limit: number }

/** Statuses that the partial index of rare ones does not hold. */
const DENSE_STATUSES: ReadonlySet<string> = new Set(['scheduled', 'queued', 'sent', 'delivered'])

/** Each reads one index, so that a rare value is found as fast as a common one. */
const lists = {
  address: { id: 'message_id', of: 'recipient where address = $5' },
  sending: { id: 'message_id', of: `outbox where phase = 'held' and state = 'sending'` },
  status: { id: 'message_id', of: 'recipient where rare_status = $5' },
  all: { id: 'id', of: 'message where true' },
}

function chooseList(to: string | undefined, status: string | undefined): [keyof typeof lists, ...string[]] {
  if (to !== undefined) return ['address', to]
  if (status === 'sending') return ['sending']
  return status !== undefined && !DENSE_STATUSES.has(status) ? ['status', status] : ['all']
}

/**
 * The newest messages of a tenant that may match, by the most selective index for an address or a status; an id may come more than once.
 */
export async function listCandidates(
  db: Queryable,
  window: ListWindow,
  { to, status }: { to?: string | undefined; status?: string | undefined },
): Promise<string[]> {
  const [list, ...value] = chooseList(to, status)
  const { id, of } = lists[list]
  const { rows } = await db.query<{ id: string }>({
    name: `list-by-${list}`,
    text: `
      select ${id} as id from ${of} and tenant_id = $1 and ${id} >= $2 and ${id} < $3
      order by ${id} desc limit $4`,
    values: [window.tenantId, window.from, window.before, window.limit, ...value],
  })
  return rows.map((row) => row.id)
}

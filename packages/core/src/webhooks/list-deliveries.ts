import { type EventType, typeOfNumber } from '@lettergate/contracts/messages/event-types'
import { Problem } from '@lettergate/contracts/problems/problems'
import { z } from 'zod'
import { type CursorKey, fromStorage, readCursor, writeCursor } from '../lib/index.ts'
import { type EndpointDeps, type EndpointInfo, type Owner, readEndpoint } from './endpoints.ts'
import { isOk } from './make-call.ts'
import { listPending } from './sql/list-pending.ts'
import { listTries, type TryRow } from './sql/list-tries.ts'

export type DeliveryInfo = Omit<TryRow, 'type'> & { type: EventType; isOk: boolean }

export type DeliveryQuery = {
  status?: 'ok' | 'failed' | 'pending' | undefined
  since?: Date | undefined
  cursor?: string | undefined
  limit: number
}

/** Time in microseconds, or the id of a pending delivery; sequence number of the event; number of the attempt. */
const Position = z.tuple([z.string(), z.number(), z.number()])

/** No attempt is made while the endpoint is disabled, nor before its pause ends. */
function nextAttempt(nextAt: Date | null, { enabled, state }: EndpointInfo): Date | null {
  if (nextAt === null || !enabled) return null
  const pausedUntil = state?.pausedUntil ?? nextAt
  return pausedUntil > nextAt ? pausedUntil : nextAt
}

const toInfo = ({ type, ...row }: TryRow, endpoint: EndpointInfo): DeliveryInfo => ({
  ...row,
  nextAt: nextAttempt(row.nextAt, endpoint),
  type: typeOfNumber(type),
  isOk: isOk(row),
})

/** Attempts at an endpoint, newest first, a page at a time. */
export async function listDeliveries(
  deps: EndpointDeps & { cursorKey: CursorKey },
  owner: Owner,
  id: string,
  { status, since, cursor, limit }: DeliveryQuery,
): Promise<{ deliveries: DeliveryInfo[]; nextCursor: string | null }> {
  const endpoint = await readEndpoint(deps, owner, id)
  const scope = ['deliveries', owner.tenantId, id, status ?? '', since?.toISOString() ?? '']
  const after =
    cursor === undefined
      ? null
      : Position.safeParse(JSON.parse(readCursor(deps.cursorKey, scope, cursor))).data
  if (after === undefined) throw new Problem('cursor-invalid')
  const filter = { endpointId: id, since: since ?? null, after, limit: limit + 1 }
  const db = deps.tenants.forTenant(owner.tenantId)
  const rows = await fromStorage(
    status === 'pending'
      ? listPending(db, owner.tenantId, filter)
      : listTries(db, owner.tenantId, { ...filter, isOk: status === undefined ? null : status === 'ok' }),
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const position = last && [last.place, last.seq, last.number]
  return {
    deliveries: page.map(({ place: _place, ...row }) => toInfo(row, endpoint)),
    nextCursor:
      rows.length > limit && position ? writeCursor(deps.cursorKey, scope, JSON.stringify(position)) : null,
  }
}

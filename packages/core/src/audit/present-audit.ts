import { type AuditEntry, auditTargets } from '@lettergate/contracts/audit/audit'
import { type IdPrefix, toPublicId } from '@lettergate/contracts/lib/ids'
import type { AuditRow } from './list-audit.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Columns and fields that name something else. */
const PREFIX_BY_FIELD: Readonly<Record<string, IdPrefix>> = {
  tenant_id: 'ten',
  of_tenant: 'ten',
  connection_id: 'con',
  connectionId: 'con',
  connection: 'con',
  route_id: 'rte',
  endpoint_id: 'end',
  domain_id: 'dom',
  mailbox_id: 'mbx',
}

function presentId(prefix: IdPrefix | null, id: string): string {
  return prefix !== null && UUID.test(id) ? toPublicId(prefix, id) : id
}

/** Ids as the API shows them everywhere else. */
function presentValue(field: string, value: unknown): unknown {
  if (typeof value === 'string') return presentId(PREFIX_BY_FIELD[field] ?? null, value)
  if (Array.isArray(value)) return value.map((item) => presentValue(field, item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, presentValue(name, item)]))
}

/** The id and the tenant stand beside them already. */
function presentValues(values: Record<string, unknown> | null): Record<string, unknown> | null {
  if (values === null) return null
  const { id: _id, tenant_id: _tenant, ...rest } = values
  return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, presentValue(name, value)]))
}

/** Presents a change, for the API and the command line. */
export function presentAudit(row: AuditRow): AuditEntry {
  const target = auditTargets[row.target] ?? { name: row.target, prefix: null }
  const { kind, key_id, request_id, address, user, host } = row.actor
  return {
    seq: row.id,
    at: row.at.toISOString(),
    tenant: row.tenant_id === null ? null : toPublicId('ten', row.tenant_id),
    actor: {
      kind,
      key_id: key_id === undefined ? null : presentId('key', key_id),
      request_id: request_id ?? null,
      address: address ?? null,
      user: user ?? null,
      host: host ?? null,
    },
    action: row.action,
    target: target.name,
    target_id: presentId(target.prefix, row.target_id),
    before: presentValues(row.before),
    after: presentValues(row.after),
  }
}

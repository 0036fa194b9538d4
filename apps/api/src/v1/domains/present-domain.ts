import type { Domain, DomainRecord, DomainSummary } from '@lettergate/contracts/domains/domains'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import {
  type DomainInfo,
  type DomainRow,
  GRACE_MS,
  shownStatus,
  txtStrings,
  unicodeName,
} from '@lettergate/core/domains'

/** Presents a domain without its records. */
export function presentSummary(row: DomainRow): DomainSummary {
  return {
    id: toPublicId('dom', row.id),
    name: row.name,
    unicode_name: unicodeName(row.name),
    status: shownStatus(row),
    reason: row.reason,
    has_return_path: row.has_return_path,
    verified_at: row.verified_at?.toISOString() ?? null,
    lost_at: row.warned_at ? new Date(row.warned_at.getTime() + GRACE_MS).toISOString() : null,
    checked_at: row.checked_at?.toISOString() ?? null,
    next_check_at: row.next_check_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  }
}

function presentRecord(domain: string, { wanted, stored }: DomainInfo['records'][number]): DomainRecord {
  const { kind, need, type, name, value, key } = wanted
  const strings = type === 'TXT' ? txtStrings(value) : []
  return {
    kind,
    need,
    type,
    name,
    host: name === domain ? '@' : name.slice(0, -domain.length - 1),
    value,
    strings: strings.length > 1 ? strings : null,
    key_state: key?.state ?? null,
    status: stored?.status ?? 'not_started',
    found: stored?.found ?? [],
    difference: stored?.difference ?? null,
  }
}

/** Presents a domain with the records to add. */
export function presentDomain({ domain, records }: DomainInfo): Domain {
  return {
    ...presentSummary(domain),
    records: records.map((record) => presentRecord(domain.name, record)),
  }
}

import { z } from 'zod'
import type { DomainRow, DomainState } from './domain-rows.ts'
import { returnPathName } from './wanted-records.ts'

/** The records of a domain as the last check found them. */
export const StoredRecords = z.array(
  z.object({
    name: z.string(),
    status: z.enum(['not_started', 'pending', 'verified', 'failed', 'temporary_failure']),
    found: z.array(z.string()),
    difference: z.string().nullable(),
  }),
)

export type ShownStatus = DomainState | 'partially_verified'

/**
 * The status of a domain as it is shown. A proved domain whose mail is not signed, or that lacks a recommended record, is partially
 * verified: it may be sent from, and receivers may judge its mail worse. A record that no name server answered for is not missing.
 */
export function shownStatus(domain: Pick<DomainRow, 'name' | 'state' | 'records'>): ShownStatus {
  if (domain.state !== 'verified') return domain.state
  const isThere = ({ status }: { status: string }) => status === 'verified' || status === 'temporary_failure'
  const records = StoredRecords.parse(domain.records)
  const isSigned = records.some(
    (record) => record.name.endsWith(`._domainkey.${domain.name}`) && isThere(record),
  )
  const recommended = [returnPathName(domain.name), `_dmarc.${domain.name}`]
  const isWhole = records.every((record) => !recommended.includes(record.name) || isThere(record))
  return isSigned && isWhole ? 'verified' : 'partially_verified'
}

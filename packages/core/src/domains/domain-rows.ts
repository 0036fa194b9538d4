export type DomainState = 'not_started' | 'pending' | 'verified' | 'failed'

/** What the last check found of one record. */
export type StoredRecord = {
  name: string
  status: RecordStatus
  found: string[]
  difference: string | null
}
/** `pending`: not there yet. `failed`: what is there is wrong. `temporary_failure`: the name servers did not answer. */
export type RecordStatus = 'not_started' | 'pending' | 'verified' | 'failed' | 'temporary_failure'

export type DomainRow = {
  id: string
  name: string
  token: string
  state: DomainState
  has_return_path: boolean
  records: unknown
  reason: string | null
  revision: number
  created_at: Date
  updated_at: Date
  pending_since: Date | null
  checked_at: Date | null
  verified_at: Date | null
  gone_at: Date | null
  warned_at: Date | null
  failed_at: Date | null
  next_check_at: Date | null
}

export type DomainKeyRow = {
  id: string
  domain_id: string
  algorithm: 'rsa' | 'ed25519'
  selector: string
  public_key: string
  state: 'new' | 'active' | 'old'
  created_at: Date
  seen_at: Date | null
  activated_at: Date | null
  retired_at: Date | null
}

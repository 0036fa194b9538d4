import type { DomainKeyRow, DomainRow } from './domain-rows.ts'
import type { GatewayNames } from './gateway-names.ts'

export type RecordKind = 'ownership' | 'dkim' | 'return_path' | 'spf' | 'dmarc'
export type Need = 'required' | 'recommended' | 'optional' | 'remove'

/** A record that the owner of a domain is asked to publish. */
export type Wanted = {
  kind: RecordKind
  name: string
  type: 'TXT' | 'CNAME'
  value: string
  need: Need
  /** Of a DKIM record. */
  key?: Pick<DomainKeyRow, 'id' | 'algorithm' | 'state' | 'public_key' | 'retired_at'>
}

export const RETURN_PATH_LABEL = 'bounce'
/** A record of a replaced key stays for as long as mail signed with it may be read. */
export const OLD_KEY_MS = 7 * 86_400_000

export const ownershipValue = (token: string) => `lettergate-domain=${token}`
export const returnPathName = (domain: string) => `${RETURN_PATH_LABEL}.${domain}`

function dkimNeed({ algorithm, state, retired_at: retiredAt }: DomainKeyRow, now: number): Need {
  if (state === 'old') return retiredAt && now - retiredAt.getTime() > OLD_KEY_MS ? 'remove' : 'required'
  return algorithm === 'rsa' ? 'required' : 'optional'
}

/** All records of a domain, in the order in which they are shown. */
export function wantedRecords(
  { name, token }: Pick<DomainRow, 'name' | 'token'>,
  keys: readonly DomainKeyRow[],
  gateway: GatewayNames,
  now: number,
): Wanted[] {
  const wanted: Wanted[] = [
    {
      kind: 'ownership',
      name: `_lettergate.${name}`,
      type: 'TXT',
      value: ownershipValue(token),
      need: 'required',
    },
  ]
  for (const key of keys) {
    const value = `v=DKIM1; k=${key.algorithm}; p=${key.public_key}`
    const host = `${key.selector}._domainkey.${name}`
    wanted.push({ kind: 'dkim', name: host, type: 'TXT', value, need: dkimNeed(key, now), key })
  }
  if (gateway.returnPathDomain !== null)
    wanted.push({
      kind: 'return_path',
      name: returnPathName(name),
      type: 'CNAME',
      value: gateway.returnPathDomain,
      need: 'recommended',
    })
  if (gateway.spfInclude !== null)
    wanted.push({
      kind: 'spf',
      name,
      type: 'TXT',
      value: `v=spf1 include:${gateway.spfInclude} ~all`,
      need: 'optional',
    })
  wanted.push({
    kind: 'dmarc',
    name: `_dmarc.${name}`,
    type: 'TXT',
    value: 'v=DMARC1; p=none',
    need: 'recommended',
  })
  return wanted
}

const STRING_CHARS_MAX = 255

/** A TXT value as the strings of one record: https://www.rfc-editor.org/rfc/rfc6376#section-3.6.2.2 joins them without a space. */
export function txtStrings(value: string): string[] {
  const strings: string[] = []
  for (let from = 0; from < value.length; from += STRING_CHARS_MAX)
    strings.push(value.slice(from, from + STRING_CHARS_MAX))
  return strings
}

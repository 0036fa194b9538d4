/** Domains: proofs that a domain is a tenant's own, keys that sign its mail, and checks of what the DNS says. */
export { type CheckOutcome, checkDomain } from './check-domain.ts'
export { coveringDomain, unicodeName } from './domain-name.ts'
export type { DomainRow } from './domain-rows.ts'
export type { GatewayNames } from './gateway-names.ts'
export { type Finding, inspectGateway } from './inspect-gateway.ts'
export { GRACE_MS } from './lifecycle.ts'
export { createMailDomains, type MailDomains, type MailVerdict } from './mail-domains.ts'
export {
  addDomain,
  checkNow,
  type DomainDeps,
  type DomainInfo,
  deleteDomain,
  listDomains,
  readOwnDomain,
  rotateKeys,
} from './manage.ts'
export { type OwnDomains, openOwnDomains } from './own-domains.ts'
export { createDomainChecks } from './recheck.ts'
export {
  type RecipientCheck,
  readRecipientCheck,
} from './recipient-check.ts'
export { shownStatus } from './shown-status.ts'
export { txtStrings } from './wanted-records.ts'

/** Audit: the log of all changes that people make. Triggers of the tables write it; here it is read. */
export { type AuditReader, exportAudit, listAudit } from './list-audit.ts'
export { presentAudit } from './present-audit.ts'
export { expireAudit } from './sql/expire-audit.ts'

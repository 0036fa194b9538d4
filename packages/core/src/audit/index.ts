/** Audit: the log of all changes that people make. */
export { expireAudit } from './sql/expire-audit.ts'

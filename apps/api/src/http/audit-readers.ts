import { Readable } from 'node:stream'
import type { AuditFilter } from '@lettergate/contracts/audit/audit'
import { type AuditReader, exportAudit, presentAudit } from '@lettergate/core/audit'
import { fromStorage } from '@lettergate/core/lib'
import type { FastifyReply } from 'fastify'
import type { ApiDeps } from '../deps.ts'
import { asOperator } from './as-operator.ts'

/** The changes of one tenant, by its own rights. */
export function tenantAudit({ prisma }: Pick<ApiDeps, 'prisma'>, tenantId: string): AuditReader {
  return { tenantId, transact: (work) => fromStorage(prisma.forTenant(tenantId, work)) }
}

/** All changes, or those of one tenant, by the rights of the operator. */
export function operatorAudit(deps: Pick<ApiDeps, 'operator'>, tenantId: string | undefined): AuditReader {
  return { tenantId: tenantId ?? null, transact: (work) => asOperator(deps, work) }
}

async function* linesOf(reader: AuditReader, filter: AuditFilter): AsyncGenerator<string> {
  for await (const rows of exportAudit(reader, filter))
    yield rows.map((row) => `${JSON.stringify(presentAudit(row))}\n`).join('')
}

/** Answers changes as lines of JSON, read from the database as fast as the client takes them. */
export function sendAuditLines(reply: FastifyReply, reader: AuditReader, filter: AuditFilter): FastifyReply {
  return reply
    .header('content-type', 'application/x-ndjson; charset=utf-8')
    .header('content-disposition', 'attachment; filename="audit.ndjson"')
    .header('x-content-type-options', 'nosniff')
    .send(Readable.from(linesOf(reader, filter), { objectMode: false }))
}

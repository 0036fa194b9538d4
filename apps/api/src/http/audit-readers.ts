import type { AuditFilter } from '@lettergate/contracts/audit/audit'
import { type AuditReader, exportAudit, presentAudit } from '@lettergate/core/audit'
import { fromStorage } from '@lettergate/core/lib'
import type { FastifyReply } from 'fastify'
import type { ApiDeps } from '../deps.ts'
import { asOperator } from './as-operator.ts'
import { fileAnswer } from './schemas.ts'
import { sendPieces } from './send-pieces.ts'

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

export const auditLinesAnswer = fileAnswer(
  'application/x-ndjson',
  'The changes.',
  'A change in each line, as in the list, newest first.',
)

/** Answers changes as lines of JSON, read from the database as fast as the client takes them. */
export function sendAuditLines(reply: FastifyReply, reader: AuditReader, filter: AuditFilter): FastifyReply {
  const file = { type: 'application/x-ndjson; charset=utf-8', name: 'audit.ndjson' }
  return sendPieces(reply, file, linesOf(reader, filter))
}

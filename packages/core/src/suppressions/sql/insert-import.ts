import type { Queryable } from '@lettergate/db/pool'

/** Stores an import, in the transaction that stores its file. */
export async function insertImport(
  db: Queryable,
  job: { tenantId: string; mode: string; id: string; options: string; total: number },
): Promise<void> {
  await db.query({
    name: 'insert-suppression-import',
    text: `
      insert into suppression_job (tenant_id, id, mode, kind, options, total) values ($1, $2, $3, 'import', $4, $5)`,
    values: [job.tenantId, job.id, job.mode, job.options, job.total],
  })
}

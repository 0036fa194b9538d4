import { AdminAuditFilter, type AuditEntry, type AuditFilter } from '@lettergate/contracts/audit/audit'
import { type AuditReader, exportAudit, listAudit, presentAudit } from '@lettergate/core/audit'
import { deriveKey } from '@lettergate/core/secrets'
import type { Command } from 'commander'
import { z } from 'zod'
import { shown } from '../lib/print-fields.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { checkWith, wholeNumber } from './option-values.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const CHANGE_CHARS_MAX = 80
const Options = z.object({
  tenant: z.string().optional(),
  target: z.string().optional(),
  targetId: z.string().optional(),
  action: z.string().optional(),
  actor: z.string().optional(),
  since: z.string().optional(),
  until: z.string().optional(),
  limit: wholeNumber(1, 1_000),
  json: z.boolean().default(false),
  export: z.boolean().default(false),
})

const COLOURS = { created: 'green', updated: 'yellow', deleted: 'red' } as const

function whoOf({ actor }: AuditEntry): string {
  return actor.key_id ?? (actor.user === null ? actor.kind : `${actor.user}@${actor.host}`)
}

function changeOf({ action, before, after }: AuditEntry): string {
  const names = Object.keys({ ...before, ...after })
  const text =
    action === 'updated'
      ? names.map((name) => `${name}: ${shown(before?.[name])} → ${shown(after?.[name])}`).join(', ')
      : shown((after ?? before)?.name)
  return text.length > CHANGE_CHARS_MAX ? `${text.slice(0, CHANGE_CHARS_MAX - 1)}…` : text
}

const COLUMNS: Column<AuditEntry>[] = [
  { title: 'at', value: ({ at }) => at.slice(0, 19).replace('T', ' '), colour: () => 'dim' },
  { title: 'who', value: whoOf },
  { title: 'action', value: ({ action }) => action, colour: ({ action }) => COLOURS[action] },
  { title: 'target', value: ({ target }) => target },
  { title: 'id', value: ({ target_id }) => target_id },
  { title: 'change', value: changeOf },
]

async function printAll(tenantId: string | null, filter: AuditFilter): Promise<void> {
  await withDatabase(async ({ operator }) => {
    const reader: AuditReader = { tenantId, transact: (work) => operator.forOperator(work) }
    for await (const rows of exportAudit(reader, filter))
      process.stdout.write(rows.map((row) => `${JSON.stringify(presentAudit(row))}\n`).join(''))
  })
}

/** `lettergate audit`: who changed what. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('show who changed what, the newest first')
    .option('--tenant <id>', 'only changes of this tenant')
    .option('--target <kind>', 'only this kind, such as connection or tenant')
    .option('--target-id <id>', 'only changes of this one')
    .option('--action <kind>', 'created, updated or deleted')
    .option('--actor <actor>', 'the id of a key, user@host, or key, admin, cli or system')
    .option('--since <time>', 'only changes at this time or later')
    .option('--until <time>', 'only changes before this time')
    .option('--limit <count>', 'changes at most', '50')
    .option('--json', 'print one JSON array')
    .option('--export', 'print all of them as lines of JSON, without a limit')
    .action(async (given: unknown) => {
      const { limit, json, export: isExport, targetId, ...rest } = parseOptions(Options, given)
      const { tenant, ...filter } = checkWith(AdminAuditFilter, { ...rest, target_id: targetId }, '--')
      if (isExport) return printAll(tenant ?? null, filter)
      const { rows } = await withDatabase(({ operator, root }) =>
        listAudit(
          { tenantId: tenant ?? null, transact: (work) => operator.forOperator(work) },
          { sign: deriveKey(root, 'list cursors') },
          { ...filter, limit },
        ),
      )
      printRows(COLUMNS, rows.map(presentAudit), { json, empty: 'There is no such change.' })
    })
}

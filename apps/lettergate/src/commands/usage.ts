import { readTenant } from '@lettergate/core/tenants'
import { type OperatorUsageDay, readUsageDaysForOperator } from '@lettergate/core/usage'
import type { Command } from 'commander'
import { z } from 'zod'
import { type Column, printRows } from '../lib/print-table.ts'
import { tenantIdOf, wholeNumber } from './option-values.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const Options = z.object({
  days: wholeNumber(1, 400),
  json: z.boolean().default(false),
})

const COLUMNS: Column<OperatorUsageDay>[] = [
  { title: 'day', value: ({ day }) => day },
  { title: 'mode', value: ({ mode }) => mode, colour: ({ mode }) => (mode === 'test' ? 'dim' : null) },
  { title: 'recipients', value: ({ accepted }) => accepted },
  { title: 'pool', value: ({ pool }) => pool },
  { title: 'bytes', value: ({ bytes }) => bytes },
]

/** `lettergate usage`: what a tenant used, by day. */
export function addUsageCommand(program: Command): void {
  program
    .command('usage')
    .description('show what a tenant used, by UTC day')
    .argument('<tenant-id>')
    .option('--days <days>', 'days, today included', '31')
    .option('--json', 'print one JSON array')
    .action(async (id: string, given: unknown) => {
      const { days, json } = parseOptions(Options, given)
      const tenantId = tenantIdOf(id)
      const rows = await withDatabase(async ({ operator, pool }) => {
        await operator.forOperator((db) => readTenant(db, tenantId))
        return readUsageDaysForOperator(pool, tenantId, days)
      })
      printRows(COLUMNS, rows, { json, empty: 'Nothing was sent on these days.' })
    })
}

import { type DueDay, previewRetention, readRetentionStart, runRetention } from '@lettergate/core/data-life'
import { noFailpoint } from '@lettergate/core/lib'
import type { Command } from 'commander'
import { z } from 'zod'
import { type Column, printRows } from '../lib/print-table.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const Options = z.object({ dryRun: z.boolean().default(false), json: z.boolean().default(false) })

const COLUMNS: Column<DueDay>[] = [
  { title: 'day', value: ({ day }) => day },
  { title: 'table', value: ({ table }) => table },
  { title: 'rows', value: ({ rows }) => rows },
  { title: 'stay', value: ({ keptRows }) => (keptRows > 20_000 ? 'more than 20,000' : String(keptRows)) },
  { title: 'MB', value: ({ bytes }) => Math.round(bytes / 1_000_000) },
  { title: 'action', value: ({ action }) => action },
]

/** `lettergate data retention`. */
export function addDataCommands(program: Command): void {
  program
    .command('data')
    .description('how long data is kept')
    .command('retention')
    .description('delete messages whose days are over, now instead of within the hour')
    .option('--dry-run', 'show what would go, and delete nothing')
    .option('--json', 'print JSON')
    .action(async (given: unknown) => {
      const options = parseOptions(Options, given)
      await withDatabase(async ({ pool }) => {
        const due = await previewRetention(pool)
        if (options.dryRun || options.json)
          printRows(COLUMNS, due, { json: options.json, empty: 'No day is over.' })
        if (options.dryRun) {
          const { startsAt, hasBegun } = await readRetentionStart(pool)
          if (!hasBegun && !options.json)
            process.stdout.write(`Workers begin at ${startsAt.toISOString()}.\n`)
          return
        }
        const { steps, stuck } = await runRetention({ pool, failpoint: noFailpoint })
        const days = (steps.detached ?? 0) + (steps.swapped ?? 0)
        const text = `${days} days of tables went.`
        if (!options.json) process.stdout.write(`${text}\n`)
        if (stuck.length > 0)
          process.stderr.write(
            `lettergate: somebody reads ${stuck.join(', ')}, such as a dump; the worker repeats it within the hour\n`,
          )
      })
    })
}

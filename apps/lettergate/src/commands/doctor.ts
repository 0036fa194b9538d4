import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { CHECKS, type Finding, runCheck } from '../doctor/checks.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { addDoctorDnsCommand } from './doctor-dns.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const Options = z.object({ json: z.boolean().default(false) })

type Row = { check: string } & Finding

const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red' } as const
const COLUMNS: Column<Row>[] = [
  { title: 'check', value: ({ check }) => check },
  { title: 'state', value: ({ state }) => state, colour: ({ state }) => COLOURS[state] },
  { title: 'what', value: ({ detail }) => detail },
]

/** `lettergate doctor`: checks everything that the gateway needs. Exit code 1 if a check failed. */
export function addDoctorCommand(program: Command): void {
  const doctor = program
    .command('doctor')
    .description('check what the gateway needs: database, migrations, secret, clock and others')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const { json } = parseOptions(Options, given)
      const rows = await withDatabase(async (deps) => {
        const found: Row[] = []
        for (const check of CHECKS) found.push({ check: check.name, ...(await runCheck(check, deps)) })
        return found
      })
      printRows(COLUMNS, rows, { json })
      const bad = rows.filter(({ state }) => state === 'failed').map(({ check }) => check)
      if (bad.length > 0)
        throw new CliError(`${bad.length === 1 ? 'this check' : 'these checks'} failed: ${bad.join(', ')}`)
    })
  addDoctorDnsCommand(doctor)
}

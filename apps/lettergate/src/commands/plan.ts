import { CreatePlanRequest, UpdatePlanRequest } from '@lettergate/contracts/admin/plans'
import { given } from '@lettergate/core/lib'
import { applyPlanToTenants } from '@lettergate/core/plans'
import {
  createPlan,
  deletePlan,
  listPlans,
  presentPlan,
  readPlan,
  updatePlan,
} from '@lettergate/core/tenants'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { printChange, printFields } from '../lib/print-fields.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { changeFlags, withChangeFlags } from './change-flags.ts'
import { makeChange } from './make-change.ts'
import { checkWith, collect, readEgress, readLimits, readPlanResources } from './option-values.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const ShowOptions = z.object({ json: z.boolean().default(false) })
const DeleteOptions = z.object(changeFlags)
const ChangeOptions = z.object({
  description: z.string().optional(),
  limit: z.array(z.string()).optional(),
  resource: z.array(z.string()).optional(),
  feature: z.array(z.string()).optional(),
  egress: z.array(z.string()).optional(),
  ...changeFlags,
})

type Shown = ReturnType<typeof presentPlan>
const COLUMNS: Column<Shown>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'tenants', value: ({ tenants }) => tenants },
  { title: 'per day', value: (plan) => plan.accepted_per_day },
  { title: 'per month', value: (plan) => plan.accepted_per_month },
  { title: 'pool per day', value: (plan) => plan.pool_per_day },
  { title: 'requests/s', value: (plan) => plan.requests_per_second },
  { title: 'content days', value: (plan) => plan.content_days },
  { title: 'description', value: ({ description }) => description, colour: () => 'dim' },
]

const withFields = (command: Command) =>
  command
    .option('--description <text>', 'a remark of yours')
    .option('--limit <name=number>', 'a limit; none: no limit; may be repeated', collect)
    .option('--resource <name=number>', 'how many of these a tenant may have; may be repeated', collect)
    .option('--feature <name>', 'a feature; none; may be repeated', collect)
    .option(
      '--egress <rule>',
      'what tenants may reach, as "https,smtp *.example.com 443,587"; none: all; may be repeated',
      collect,
    )

/** What the options say, by the names of the API. */
function fieldsOf({ description, limit, resource, feature, egress }: z.output<typeof ChangeOptions>) {
  return {
    ...readLimits(limit),
    ...given({
      description,
      resources: readPlanResources(resource),
      features: feature?.join() === 'none' ? [] : feature,
      egress: readEgress(egress),
    }),
  }
}

function addShowCommands(plan: Command): void {
  plan
    .command('list')
    .description('list all plans')
    .option('--json', 'print one JSON array')
    .action(async (values: unknown) => {
      const { json } = parseOptions(ShowOptions, values)
      const rows = await withDatabase(({ operator }) => operator.forOperator(listPlans))
      printRows(COLUMNS, rows.map(presentPlan), { json })
    })
  plan
    .command('show')
    .description('show a plan')
    .argument('<name>')
    .option('--json', 'print one JSON object')
    .action(async (name: string, values: unknown) => {
      const { json } = parseOptions(ShowOptions, values)
      const row = await withDatabase(({ operator }) => operator.forOperator((db) => readPlan(db, name)))
      printFields(presentPlan(row), { json })
    })
}

/** `lettergate plan`: list, show, create, set, delete. */
export function addPlanCommands(program: Command): void {
  const plan = program.command('plan').description('plans: what tenants may do, and how much of it')
  addShowCommands(plan)
  const create = plan.command('create').description('create a plan').argument('<name>')
  withChangeFlags(withFields(create)).action(async (name: string, values: unknown) => {
    const options = parseOptions(ChangeOptions, values)
    if (readLimits(options.limit).accepted_per_day == null)
      throw new CliError('a plan needs --limit accepted_per_day=number')
    const request = checkWith(CreatePlanRequest, { name, ...fieldsOf(options) }, 'plan')
    const after = await makeChange(options.dryRun, (db, dbNull) => createPlan(db, dbNull, request))
    printChange(`plan ${name}`, { before: null, after: presentPlan(after) }, options)
  })
  const set = plan.command('set').description('change a plan for all of its tenants').argument('<name>')
  withChangeFlags(withFields(set)).action(async (name: string, values: unknown) => {
    const options = parseOptions(ChangeOptions, values)
    const request = checkWith(UpdatePlanRequest, fieldsOf(options), 'plan')
    const [before, after] = await makeChange(options.dryRun, async (db, dbNull) => {
      const found = await readPlan(db, name)
      return [found, await updatePlan(db, dbNull, name, request)] as const
    })
    if (!options.dryRun) await withDatabase(({ pool }) => applyPlanToTenants(pool, name))
    printChange(`plan ${name}`, { before: presentPlan(before), after: presentPlan(after) }, options)
  })
  const remove = plan.command('delete').description('delete a plan that no tenant has').argument('<name>')
  withChangeFlags(remove).action(async (name: string, values: unknown) => {
    const options = parseOptions(DeleteOptions, values)
    await makeChange(options.dryRun, (db) => deletePlan(db, name))
    if (options.json) process.stdout.write(`${JSON.stringify({ dry_run: options.dryRun, deleted: name })}\n`)
    else process.stdout.write(`${options.dryRun ? 'Would delete' : 'Deleted'} plan ${name}.\n`)
  })
}

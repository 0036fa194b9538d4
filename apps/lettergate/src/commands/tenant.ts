import { toPublicId } from '@lettergate/contracts/lib/ids'
import { addTenant, planNames } from '@lettergate/core/tenants'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { makeChange } from './make-change.ts'
import { collect, readOwnLimits, wholeNumber } from './option-values.ts'
import { parseOptions } from './parse-options.ts'
import { addTenantChangeCommands } from './tenant-change.ts'
import { addTenantDataCommands } from './tenant-data.ts'
import { retryHours, tenantName } from './tenant-options.ts'
import { addTenantShowCommands } from './tenant-show.ts'

const DAILY_LIMIT_MAX = 2_147_483_647
const CreateOptions = z.object({
  name: tenantName,
  plan: z.string(),
  dailyLimit: wholeNumber(0, DAILY_LIMIT_MAX).optional(),
  limit: z.array(z.string()).optional(),
  resource: z.array(z.string()).optional(),
  retryHours,
  dryRun: z.boolean().default(false),
  json: z.boolean().default(false),
})

function addCreateCommand(tenant: Command): void {
  tenant
    .command('create')
    .description('create a tenant with a live and a test key; the keys are shown once')
    .requiredOption('--name <name>', 'name of the tenant')
    .requiredOption('--plan <plan>', 'name of its plan, such as free, standard or scale')
    .option('--daily-limit <recipients>', 'daily limit in recipients, instead of the limit of the plan')
    .option('--limit <name=number>', 'another limit of its own; may be repeated', collect)
    .option('--resource <name=number>', 'how many of these it may have; may be repeated', collect)
    .option('--retry-hours <hours>', 'retry limit in hours, instead of 72')
    .option('--dry-run', 'check everything, and create nothing')
    .option('--json', 'print one JSON object')
    .action(async (given: unknown) => {
      const { dryRun, json, limit, resource, retryHours, ...options } = parseOptions(CreateOptions, given)
      const own_limits = readOwnLimits(limit, resource)
      const made = await makeChange(dryRun, async (db, _, { pepper }) => {
        const names = await planNames(db)
        if (!names.includes(options.plan))
          throw new CliError(`--plan must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`)
        return addTenant({ db, pepper }, { ...options, own_limits, retry_hours: retryHours })
      })
      if (dryRun) {
        process.stdout.write(
          json ? '{"dry_run":true}\n' : `Would create the tenant ${options.name} with two keys.\n`,
        )
        return
      }
      const shown = {
        tenant_id: toPublicId('ten', made.tenantId),
        live_key: made.liveKey,
        test_key: made.testKey,
      }
      process.stdout.write(
        json
          ? `${JSON.stringify(shown)}\n`
          : Object.entries(shown)
              .map(([name, value]) => `${name.padEnd(10)} ${value}\n`)
              .join(''),
      )
    })
}

/** `lettergate tenant`: create, list, show, set, suspend, resume. */
export function addTenantCommands(program: Command): void {
  const tenant = program.command('tenant').description('tenants of this gateway')
  addCreateCommand(tenant)
  addTenantShowCommands(tenant)
  addTenantChangeCommands(tenant)
  addTenantDataCommands(tenant)
}

import { toPublicId } from '@lettergate/contracts/lib/ids'
import { createTenant } from '@lettergate/core/tenants'
import type { Command } from 'commander'
import { z } from 'zod'
import { parseOptions } from './parse-options.ts'
import { addTenantDataCommands } from './tenant-data.ts'
import { withDatabase } from './with-database.ts'

const DAILY_LIMIT_MAX = 2_147_483_647
const limitMessage = `must be a whole number from 0 to ${DAILY_LIMIT_MAX}`

const RETRY_HOURS_MAX = 720
const hoursMessage = `must be a whole number from 1 to ${RETRY_HOURS_MAX}`

const CreateOptions = z.object({
  name: z.string().trim().min(1, 'must not be empty').max(200, 'must have at most 200 characters'),
  plan: z.enum(['free', 'standard', 'scale'], { error: 'must be free, standard or scale' }),
  dailyLimit: z
    .string()
    .regex(/^\d{1,10}$/, limitMessage)
    .transform(Number)
    .refine((limit) => limit <= DAILY_LIMIT_MAX, limitMessage)
    .optional(),
  retryHours: z
    .string()
    .regex(/^\d{1,3}$/, hoursMessage)
    .transform(Number)
    .refine((hours) => hours >= 1 && hours <= RETRY_HOURS_MAX, hoursMessage)
    .optional(),
  json: z.boolean().default(false),
})

/** `lettergate tenant create`, and what is done with its data. */
export function addTenantCommands(program: Command): void {
  const tenant = program.command('tenant').description('tenants of this gateway')
  addTenantDataCommands(tenant)
  tenant
    .command('create')
    .description('create a tenant with a live and a test key; the keys are shown once')
    .requiredOption('--name <name>', 'name of the tenant')
    .requiredOption('--plan <plan>', 'free, standard or scale')
    .option('--daily-limit <recipients>', 'daily limit in recipients, instead of the limit of the plan')
    .option('--retry-hours <hours>', 'retry limit in hours, instead of 72')
    .option('--json', 'print one JSON object')
    .action(async (given: unknown) => {
      const options = parseOptions(CreateOptions, given)
      const made = await withDatabase((deps) => createTenant(deps, options))
      const shown = {
        tenant_id: toPublicId('ten', made.tenantId),
        live_key: made.liveKey,
        test_key: made.testKey,
      }
      process.stdout.write(
        options.json
          ? `${JSON.stringify(shown)}\n`
          : Object.entries(shown)
              .map(([name, value]) => `${name.padEnd(10)} ${value}\n`)
              .join(''),
      )
    })
}

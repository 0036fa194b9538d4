import { SuspendTenantRequest } from '@lettergate/contracts/admin/tenants'
import {
  presentTenant,
  readTenant,
  resumeTenant,
  suspendTenant,
  type TenantRow,
  updateTenant,
} from '@lettergate/core/tenants'
import type { ManagedTables } from '@lettergate/db/prisma'
import type { Command } from 'commander'
import { z } from 'zod'
import { printChange } from '../lib/print-fields.ts'
import { changeFlags, withChangeFlags } from './change-flags.ts'
import { makeChange } from './make-change.ts'
import { checkWith, collect, readEgress, readOwnLimits, tenantIdOf } from './option-values.ts'
import { parseOptions } from './parse-options.ts'
import { retryHours, tenantName } from './tenant-options.ts'

const SetOptions = z.object({
  name: tenantName.optional(),
  plan: z.string().optional(),
  limit: z.array(z.string()).optional(),
  resource: z.array(z.string()).optional(),
  egress: z.array(z.string()).optional(),
  retryHours,
  onUnknown: z.enum(['hold', 'resend'], { error: 'must be hold or resend' }).optional(),
  ...changeFlags,
})
const SuspendOptions = z.object({ reason: z.string(), ...changeFlags })
const ResumeOptions = z.object(changeFlags)

async function change(
  id: string,
  options: { dryRun: boolean; json: boolean },
  work: (db: ManagedTables, tenantId: string) => Promise<TenantRow>,
): Promise<void> {
  const tenantId = tenantIdOf(id)
  const [before, after] = await makeChange(options.dryRun, async (db) => {
    const found = await readTenant(db, tenantId)
    return [found, await work(db, tenantId)] as const
  })
  printChange(`tenant ${after.name}`, { before: presentTenant(before), after: presentTenant(after) }, options)
}

/** `lettergate tenant set`, `suspend` and `resume`. */
export function addTenantChangeCommands(tenant: Command): void {
  const set = tenant
    .command('set')
    .description('change a tenant')
    .argument('<tenant-id>')
    .option('--name <name>', 'name of the tenant')
    .option('--plan <plan>', 'name of its plan')
    .option('--limit <name=number>', 'a limit of its own; none: that of the plan; may be repeated', collect)
    .option(
      '--resource <name=number>',
      'how many of these it may have; none: as the plan; may be repeated',
      collect,
    )
    .option(
      '--egress <rule>',
      'what it may reach besides, as "https *.example.com 443"; none; may be repeated',
      collect,
    )
    .option('--retry-hours <hours>', 'retry limit in hours')
    .option('--on-unknown <what>', 'after an unknown result: hold or resend')
  withChangeFlags(set).action(async (id: string, given: unknown) => {
    const { name, plan, limit, resource, egress, retryHours, onUnknown, ...options } = parseOptions(
      SetOptions,
      given,
    )
    const fields = {
      name,
      plan,
      retry_hours: retryHours,
      on_unknown: onUnknown,
      own_limits: readOwnLimits(limit, resource),
      egress_extra: egress && (readEgress(egress) ?? []),
    }
    await change(id, options, (db, tenantId) => updateTenant(db, tenantId, fields))
  })
  const suspend = tenant
    .command('suspend')
    .description('refuse all requests of a tenant but reading, and keep its mail back')
    .argument('<tenant-id>')
    .requiredOption('--reason <text>', 'why; the tenant reads it in its answers')
  withChangeFlags(suspend).action(async (id: string, given: unknown) => {
    const options = parseOptions(SuspendOptions, given)
    const { reason } = checkWith(SuspendTenantRequest, { reason: options.reason }, '--')
    await change(id, options, (db, tenantId) => suspendTenant(db, tenantId, reason))
  })
  const resume = tenant
    .command('resume')
    .description('let a suspended tenant go on; the mail that waited is sent')
    .argument('<tenant-id>')
  withChangeFlags(resume).action(async (id: string, given: unknown) => {
    await change(id, parseOptions(ResumeOptions, given), resumeTenant)
  })
}

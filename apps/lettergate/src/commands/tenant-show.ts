import { tenantStates } from '@lettergate/contracts/admin/tenants'
import { readPoolTenant } from '@lettergate/core/pool'
import { deriveKey } from '@lettergate/core/secrets'
import { listTenants, presentTenant, readTenant, readTenantHealth } from '@lettergate/core/tenants'
import type { Command } from 'commander'
import { z } from 'zod'
import { printFields } from '../lib/print-fields.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { tenantIdOf } from './option-values.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const TENANTS_MAX = 1_000
const PAGE = 100

const ListOptions = z.object({
  search: z.string().min(1, 'must not be empty').optional(),
  state: z.enum(tenantStates, { error: 'must be active or suspended' }).optional(),
  plan: z.string().optional(),
  json: z.boolean().default(false),
})
const ShowOptions = z.object({ json: z.boolean().default(false) })

type Shown = ReturnType<typeof presentTenant>
const COLUMNS: Column<Shown>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'name', value: ({ name }) => name },
  { title: 'plan', value: ({ plan }) => plan },
  {
    title: 'state',
    value: ({ state }) => state,
    colour: ({ state }) => (state === 'active' ? 'green' : 'red'),
  },
  { title: 'per day', value: ({ accepted_per_day }) => accepted_per_day },
  { title: 'created', value: ({ created_at }) => created_at.slice(0, 10), colour: () => 'dim' },
]

/** `lettergate tenant list` and `show`. */
export function addTenantShowCommands(tenant: Command): void {
  tenant
    .command('list')
    .description(`list tenants, the newest first, ${TENANTS_MAX} at most`)
    .option('--search <text>', 'a part of the name, or a whole id')
    .option('--state <state>', 'active or suspended')
    .option('--plan <plan>', 'only tenants with this plan')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const { json, ...query } = parseOptions(ListOptions, given)
      const rows = await withDatabase(({ operator, root }) =>
        operator.forOperator(async (db) => {
          const cursorKey = { sign: deriveKey(root, 'list cursors') }
          const all: Shown[] = []
          for (let cursor: string | undefined; all.length < TENANTS_MAX; ) {
            const page = await listTenants(db, cursorKey, { ...query, cursor, limit: PAGE })
            all.push(...page.rows.map(presentTenant))
            if (page.nextCursor === null) break
            cursor = page.nextCursor
          }
          return all
        }),
      )
      printRows(COLUMNS, rows, { json, empty: 'There is no such tenant.' })
    })
  tenant
    .command('show')
    .description('show a tenant, and what its mail waits for')
    .argument('<tenant-id>')
    .option('--json', 'print one JSON object')
    .action(async (id: string, given: unknown) => {
      const { json } = parseOptions(ShowOptions, given)
      const tenantId = tenantIdOf(id)
      const [row, health, standing] = await withDatabase(async ({ operator, pool }) => {
        const found = await operator.forOperator((db) => readTenant(db, tenantId))
        return [found, await readTenantHealth(pool, tenantId), await readPoolTenant(pool, tenantId)] as const
      })
      const { ready, sending, waiting, connections } = health
      const mail = {
        ready,
        sending,
        waiting: waiting.map(({ reason, messages }) => ({ [reason]: messages })),
      }
      const working = connections.filter(({ state, enabled }) => enabled && state === 'closed').length
      const used = connections.length === 0 ? 'none' : `${working} of ${connections.length} work`
      const pool = standing && {
        state: standing.state,
        reason: standing.why,
        sent: standing.handed,
        bounced: standing.bounced,
        bounce_rate: standing.bounces.rate,
        complained: standing.complained,
        complaint_rate: standing.complaints.rate,
      }
      const shownPool = Object.fromEntries(
        Object.entries(pool ?? {}).map(([name, value]) => [`pool_${name}`, value]),
      )
      printFields(
        { ...presentTenant(row), ...mail, connections: json ? connections : used, ...shownPool },
        { json },
      )
    })
}

import { readFileSync } from 'node:fs'
import { CreateConnectionRequest } from '@lettergate/contracts/connections/requests'
import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import {
  type ConnectionState,
  createConnection,
  deleteConnection,
  listConnections,
} from '@lettergate/core/connections'
import { POOL_TENANT_ID } from '@lettergate/core/lib'
import {
  listPoolTenants,
  type PoolTenant,
  readPoolTenant,
  setPoolCeiling,
  setPoolState,
} from '@lettergate/core/pool'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { parseOptions } from './parse-options.ts'
import { type PoolDeps, withPool } from './with-pool.ts'

const TENANTS_MAX = 1_000

const Listing = z.object({ json: z.boolean().default(false) })
const Adding = z.object({
  provider: z.string(),
  name: z.string(),
  priority: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a whole number from 0 to 10000')
    .transform(Number)
    .optional(),
  settings: z.string().default('{}'),
  credentials: z.string().optional(),
  json: z.boolean().default(false),
})
const Deciding = z.object({ reason: z.string().trim().min(1, 'must not be empty').max(500) })

type ConnectionRow = {
  id: string
  provider: string
  name: string
  priority: number
  state: string
  reason: string | null
}

const connectionColumns: readonly Column<ConnectionRow>[] = [
  { title: 'connection', value: ({ id }) => id },
  { title: 'provider', value: ({ provider }) => provider },
  { title: 'name', value: ({ name }) => name },
  { title: 'priority', value: ({ priority }) => priority },
  {
    title: 'state',
    value: ({ state }) => state,
    colour: ({ state }) => (state === 'in use' ? 'green' : state === 'disabled' ? 'dim' : 'red'),
  },
  { title: 'reason', value: ({ reason }) => reason, colour: () => 'dim' },
]

function toConnectionRow({ id, provider, name, priority, enabled, health }: ConnectionState): ConnectionRow {
  const isPaused = health?.paused_until != null && health.paused_until > new Date()
  const broken = health && health.state !== 'closed' ? 'circuit open' : isPaused ? 'paused' : 'in use'
  const state = enabled ? broken : 'disabled'
  return { id: toPublicId('con', id), provider, name, priority, state, reason: health?.reason ?? null }
}

type TenantRow = Omit<PoolTenant, 'tenantId' | 'since'> & { tenant: string; since: string | null }

const tenantColumns: readonly Column<TenantRow>[] = [
  { title: 'tenant', value: ({ tenant }) => tenant },
  { title: 'name', value: ({ name }) => name },
  {
    title: 'state',
    value: ({ state }) => state,
    colour: ({ state }) => (({ ok: 'green', warned: 'yellow', paused: 'red' }) as const)[state],
  },
  { title: 'today', value: ({ used }) => used },
  // Without mail today there is no limit of the day yet, and the ceiling holds for the first.
  { title: 'limit', value: ({ limit, ceiling }) => limit ?? ceiling },
  { title: 'sent', value: ({ handed }) => handed },
  { title: 'bounced', value: ({ bounced }) => bounced },
  { title: 'spam', value: ({ complained }) => complained },
  { title: 'held', value: ({ held }) => held },
  { title: 'why', value: ({ why }) => why, colour: () => 'dim' },
]

function toTenantRow({ tenantId, since, ...row }: PoolTenant): TenantRow {
  return { tenant: toPublicId('ten', tenantId), ...row, since: since?.toISOString() ?? null }
}

/** Secrets come from a file or from standard input, since others on this machine see the options of a command. */
function readJson(option: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CliError(`--${option} is not JSON`)
  }
}

function readCredentials(path: string | undefined): unknown {
  if (path === undefined) return {}
  try {
    return readJson('credentials', readFileSync(path === '-' ? 0 : path, 'utf8'))
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError(`cannot read ${path}`, { cause: error })
  }
}

/** What the operator gave and the gateway refuses is one line. */
async function said<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const issues = error.errors?.map(({ pointer, detail }) => `${pointer.slice(2)} ${detail}`) ?? []
    throw new CliError(issues.length > 0 ? issues.join('; ') : error.message, { cause: error })
  }
}

async function addOne(deps: PoolDeps, given: z.output<typeof Adding>): Promise<ConnectionState> {
  const { provider, name, priority, settings, credentials } = given
  const request = CreateConnectionRequest.safeParse({
    provider,
    name,
    ...(priority !== undefined && { priority }),
    settings: readJson('settings', settings),
    credentials: readCredentials(credentials),
  })
  if (!request.success)
    throw new CliError(
      request.error.issues.map(({ path, message }) => `--${path.join('.')} ${message}`).join('; '),
    )
  return said(createConnection(deps, POOL_TENANT_ID, request.data))
}

function idOf(prefix: 'con' | 'ten', text: string): string {
  const id = fromPublicId(prefix, text)
  if (id === null) throw new CliError(`${text} is no id: that is ${prefix}_ and 26 characters`)
  return id
}

async function printTenant(deps: PoolDeps, tenantId: string): Promise<void> {
  const row = await readPoolTenant(deps.pool, tenantId)
  if (!row) throw new CliError('there is no such tenant')
  printRows(tenantColumns, [toTenantRow(row)], { json: false })
}

function addConnectionCommands(pool: Command): void {
  pool
    .command('list')
    .description('the connections of the pool')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const { json } = parseOptions(Listing, given)
      const rows = await withPool((deps) => listConnections(deps, POOL_TENANT_ID))
      const empty = 'The pool has no connections. Add one: lettergate pool add --provider … --name …'
      printRows(connectionColumns, rows.map(toConnectionRow), { json, empty })
    })
  pool
    .command('add')
    .description('add a connection that all tenants may send through')
    .requiredOption('--provider <provider>', 'smtp, direct, ses, …')
    .requiredOption('--name <name>', 'a name for it')
    .option('--priority <number>', 'the lowest number is used first (100)')
    .option('--settings <json>', 'settings of the provider, such as {"host":"…","port":587}')
    .option('--credentials <file>', 'a file with the credentials as JSON; - reads standard input')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const options = parseOptions(Adding, given)
      const made = await withPool((deps) => addOne(deps, options))
      printRows(connectionColumns, [toConnectionRow(made)], options)
    })
  pool
    .command('remove')
    .description('remove a connection from the pool for good')
    .argument('<connection-id>')
    .action(async (text: string) => {
      const id = idOf('con', text)
      const isGone = await withPool((deps) =>
        deleteConnection(deps, POOL_TENANT_ID, id, 'move').then(
          () => true,
          (error: unknown) => {
            if (error instanceof Problem && error.code === 'not-found') return false
            throw error
          },
        ),
      )
      if (!isGone) throw new CliError('the pool has no such connection')
      process.stdout.write(`Removed ${text}.\n`)
    })
}

function addTenantCommands(pool: Command): void {
  pool
    .command('status')
    .description('tenants that use the pool, and how their mail is received')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const { json } = parseOptions(Listing, given)
      const rows = await withPool(({ pool }) => listPoolTenants(pool, { limit: TENANTS_MAX }))
      printRows(tenantColumns, rows.map(toTenantRow), { json, empty: 'No tenant uses the pool yet.' })
    })
  for (const [verb, state, description] of [
    ['pause', 'paused', 'stop the mail of a tenant through the pool; its own connections go on'],
    ['resume', 'ok', 'let a tenant use the pool again; earlier bounces do not count any more'],
  ] as const) {
    pool
      .command(verb)
      .description(description)
      .argument('<tenant-id>')
      .requiredOption('--reason <text>', 'why; the tenant reads it')
      .action(async (text: string, given: unknown) => {
        const { reason: why } = parseOptions(Deciding, given)
        const tenantId = idOf('ten', text)
        await withPool(async (deps) => {
          await setPoolState(deps.pool, tenantId, { state, by: 'operator', why })
          await printTenant(deps, tenantId)
        })
      })
  }
  pool
    .command('ceiling')
    .description('the most recipients a day that a tenant sends through the pool; none: what its plan allows')
    .argument('<tenant-id>')
    .argument('<recipients>', 'a whole number, or none')
    .action(async (text: string, recipients: string) => {
      const tenantId = idOf('ten', text)
      if (!/^(none|\d{1,9})$/.test(recipients))
        throw new CliError('the ceiling must be a whole number, or none')
      const ceiling = recipients === 'none' ? null : Number(recipients)
      await withPool(async (deps) => {
        await setPoolCeiling(deps.pool, tenantId, ceiling)
        await printTenant(deps, tenantId)
      })
    })
}

/** `lettergate pool list`, `add`, `remove`, `status`, `pause`, `resume` and `ceiling`. */
export function addPoolCommands(program: Command): void {
  const pool = program
    .command('pool')
    .description('the connections that all tenants share, and who may use them')
  addConnectionCommands(pool)
  addTenantCommands(pool)
}

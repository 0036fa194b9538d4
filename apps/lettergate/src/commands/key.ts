import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { issueKey, revokeKey } from '@lettergate/core/keys'
import { type Rotated, rotateRoot } from '@lettergate/core/secrets'
import { tenantExists } from '@lettergate/core/tenants'
import type { ManagedTables } from '@lettergate/db/prisma'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const tenantId = z.string().transform((text, context) => {
  const id = fromPublicId('ten', text)
  if (id !== null) return id
  context.addIssue({ code: 'custom', message: 'must be ten_ and 26 characters; see lettergate tenant list' })
  return z.NEVER
})
const CreateOptions = z.object({
  tenant: tenantId.optional(),
  admin: z.boolean().default(false),
  mode: z.enum(['live', 'test'], { error: 'must be live or test' }),
})
const OwnerOptions = z.object({ tenant: tenantId.optional(), admin: z.boolean().default(false) })
const ListOptions = OwnerOptions.extend({ json: z.boolean().default(false) })

/** Whose keys: exactly one of a tenant and the operator. */
function ownerOf({ tenant, admin }: z.output<typeof OwnerOptions>): string | null {
  if (admin === (tenant !== undefined))
    throw new CliError('name a tenant by --tenant, or the operator by --admin')
  return tenant ?? null
}

type ShownKey = {
  id: string
  mode: string
  name: string
  display: string
  status: 'active' | 'expired' | 'revoked'
  last_used: string | null
}

const KEY_COLUMNS: Column<ShownKey>[] = [
  { title: 'key', value: ({ id }) => id },
  { title: 'mode', value: ({ mode }) => mode },
  { title: 'name', value: ({ name }) => name },
  { title: 'begins', value: ({ display }) => `${display}…` },
  {
    title: 'status',
    value: ({ status }) => status,
    colour: ({ status }) => (status === 'active' ? 'green' : 'dim'),
  },
  { title: 'last used', value: ({ last_used }) => last_used },
]

async function listKeyRows(db: ManagedTables, owner: string | null): Promise<ShownKey[]> {
  const rows = await db.api_key.findMany({
    where: { tenant_id: owner },
    include: { use: true },
    omit: { hash: true },
    orderBy: { id: 'desc' },
    take: 500,
  })
  const now = new Date()
  return rows.map((row) => ({
    id: toPublicId('key', row.id),
    mode: row.mode,
    name: row.name,
    display: row.display,
    status: row.revoked_at ? 'revoked' : row.expires_at && row.expires_at <= now ? 'expired' : 'active',
    last_used: row.use?.used_at.toISOString() ?? null,
  }))
}

function describeRotation({ rewrapped, keysNotUsedYet }: Rotated): string {
  const { count, keys } = keysNotUsedYet
  const left =
    count === 0
      ? 'Every API key has been used since.'
      : `${count} API keys have not been used since; they end when LETTERGATE_SECRET_PREVIOUS is removed:`
  const lines = keys.map(
    ({ tenant_id, display }) =>
      `  ${tenant_id === null ? 'operator' : toPublicId('ten', tenant_id)} ${display}…`,
  )
  return [`${rewrapped} data keys are now encrypted with the new root key.`, left, ...lines, ''].join('\n')
}

/** `lettergate key create`, `list`, `revoke` and `rotate-root`. */
export function addKeyCommands(program: Command): void {
  const key = program.command('key').description('API keys of a tenant')
  key
    .command('create')
    .description('create a key; it is shown once')
    .option('--tenant <id>', 'whose key')
    .option('--admin', 'a key of the operator')
    .option('--mode <mode>', 'live or test', 'live')
    .action(async (given: unknown) => {
      const options = parseOptions(CreateOptions, given)
      const tenant = ownerOf(options)
      const made = await withDatabase(({ operator, pepper }) =>
        operator.forOperator(async (db) => {
          if (tenant === null) return issueKey({ db, pepper }, { mode: 'admin' })
          if (!(await tenantExists(db, tenant))) throw new CliError('there is no such tenant')
          return issueKey({ db, pepper }, { mode: options.mode, tenantId: tenant })
        }),
      )
      process.stdout.write(`${JSON.stringify({ key_id: toPublicId('key', made.keyId), key: made.key })}\n`)
    })
  key
    .command('list')
    .description('list keys, newest first, with their last use')
    .option('--tenant <id>', 'whose keys')
    .option('--admin', 'the keys of the operator')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const options = parseOptions(ListOptions, given)
      const owner = ownerOf(options)
      const rows = await withDatabase(({ operator }) => operator.forOperator((db) => listKeyRows(db, owner)))
      printRows(KEY_COLUMNS, rows, { json: options.json, empty: 'There are no keys.' })
    })
  key
    .command('rotate-root')
    .description(
      'encrypt all data keys with LETTERGATE_SECRET instead of LETTERGATE_SECRET_PREVIOUS, while everything runs',
    )
    .action(async () => {
      const rotated = await withDatabase(({ pool, root, previousRoot }) => {
        if (previousRoot === undefined) throw new CliError('LETTERGATE_SECRET_PREVIOUS is not set')
        return rotateRoot(pool, { previous: previousRoot, present: root })
      })
      process.stdout.write(describeRotation(rotated))
      if (rotated.broken > 0)
        throw new CliError(`${rotated.broken} data keys cannot be decrypted with LETTERGATE_SECRET_PREVIOUS`)
    })
  key
    .command('revoke')
    .description('revoke a key; all processes refuse it within five seconds')
    .argument('<key-id>')
    .option('--tenant <id>', 'whose key')
    .option('--admin', 'a key of the operator')
    .action(async (keyId: string, given: unknown) => {
      const tenant = ownerOf(parseOptions(OwnerOptions, given))
      const id = fromPublicId('key', keyId)
      const revoke = (of: string) =>
        withDatabase(({ operator }) => operator.forOperator((db) => revokeKey(db, tenant, of)))
      const isDone = id !== null && (await revoke(id))
      if (!isDone)
        throw new CliError(tenant === null ? 'the operator has no such key' : 'this tenant has no such key')
      process.stdout.write(`Revoked ${keyId}.\n`)
    })
}

import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'
import { issueKey, revokeKey } from '@lettergate/core/keys'
import { type Rotated, rotateRoot } from '@lettergate/core/secrets'
import { tenantExists } from '@lettergate/core/tenants'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { parseOptions } from './parse-options.ts'
import { withDatabase } from './with-database.ts'

const tenantId = z.string().transform((text, context) => {
  const id = fromPublicId('ten', text)
  if (id !== null) return id
  context.addIssue({ code: 'custom', message: 'must be an id that begins with ten_' })
  return z.NEVER
})
const CreateOptions = z.object({
  tenant: tenantId,
  mode: z.enum(['live', 'test'], { error: 'must be live or test' }),
})
const RevokeOptions = z.object({ tenant: tenantId })

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

/** `lettergate key create`, `revoke` and `rotate-root`. */
export function addKeyCommands(program: Command): void {
  const key = program.command('key').description('API keys of a tenant')
  key
    .command('create')
    .description('create a key; it is shown once')
    .requiredOption('--tenant <id>', 'whose key')
    .option('--mode <mode>', 'live or test', 'live')
    .action(async (given: unknown) => {
      const options = parseOptions(CreateOptions, given)
      const made = await withDatabase(({ operator, pepper }) =>
        operator.forOperator(async (db) => {
          if (!(await tenantExists(db, options.tenant))) throw new CliError('there is no such tenant')
          return issueKey({ db, pepper }, { mode: options.mode, tenantId: options.tenant })
        }),
      )
      process.stdout.write(`${JSON.stringify({ key_id: toPublicId('key', made.keyId), key: made.key })}\n`)
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
    .requiredOption('--tenant <id>', 'whose key')
    .action(async (keyId: string, given: unknown) => {
      const { tenant } = parseOptions(RevokeOptions, given)
      const id = fromPublicId('key', keyId)
      const revoke = (of: string) =>
        withDatabase(({ operator }) => operator.forOperator((db) => revokeKey(db, tenant, of)))
      const isDone = id !== null && (await revoke(id))
      if (!isDone) throw new CliError('this tenant has no such key')
      process.stdout.write(`Revoked ${keyId}.\n`)
    })
}

import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import type {
  CreateSmtpCredentialRequest,
  UpdateSmtpCredentialRequest,
} from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import type { TenantPrisma } from '@lettergate/db/prisma'
import { z } from 'zod'
import { columnsOf, fromStorage, given, randomText } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import type { Sealer } from '../secrets/index.ts'

export type SmtpCredentialDeps = { prisma: TenantPrisma; sealer: Sealer }

/** 190 random bits in letters and digits alone: no file of settings needs them quoted. */
const SECRET_CHARS = 32
const LETTERS_AND_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Keys see the credentials of their mode. */
export type CredentialOwner = { tenantId: string; mode: 'live' | 'test' }

/** A credential without its secret, which the role may not read. */
const Stored = z.object({
  id: z.string(),
  mode: z.enum(['live', 'test']),
  name: z.string(),
  scopes: z.array(z.string()),
  from_domains: z.array(z.string()),
  networks: z.array(z.string()),
  last_used_at: z.date().nullable(),
  revoked_at: z.date().nullable(),
  created_at: z.date(),
  updated_at: z.date(),
})
const COLUMNS = columnsOf(Stored)
export type SmtpCredentialRow = z.output<typeof Stored>

/** Makes a credential; its secret is answered here alone. */
export async function createSmtpCredential(
  deps: SmtpCredentialDeps,
  { tenantId, mode }: CredentialOwner,
  request: CreateSmtpCredentialRequest,
): Promise<{ credential: SmtpCredentialRow; secret: string }> {
  const id = newId()
  const secret = randomText(SECRET_CHARS, LETTERS_AND_DIGITS)
  const store = async (): Promise<SmtpCredentialRow> => {
    const place = { tenantId, table: 'smtp_credential', id } as const
    const { sealed, dataKeyVersion } = await deps.sealer.sealJson(place, secret)
    return deps.prisma.forTenantInTurn(tenantId, async (db) => {
      await checkResourceLimit(db, { tenantId, resource: 'smtp_credentials' })
      const sealedSecret = new Uint8Array(sealed)
      const keys = { tenant_id: tenantId, id, mode }
      await db.smtp_credential.createMany({
        data: [{ ...keys, ...request, sealed_secret: sealedSecret, data_key_version: dataKeyVersion }],
      })
      return Stored.parse(await db.smtp_credential.findFirst({ where: keys, select: COLUMNS }))
    })
  }
  return { credential: await fromStorage(store()), secret }
}

/** All of the mode, in the order in which they were made. */
export async function listSmtpCredentials(
  deps: Pick<SmtpCredentialDeps, 'prisma'>,
  { tenantId, mode }: CredentialOwner,
): Promise<SmtpCredentialRow[]> {
  const where = { tenant_id: tenantId, mode }
  const rows = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) =>
      db.smtp_credential.findMany({ where, select: COLUMNS, orderBy: { id: 'asc' } }),
    ),
  )
  return z.array(Stored).parse(rows)
}

export async function readSmtpCredential(
  deps: Pick<SmtpCredentialDeps, 'prisma'>,
  { tenantId, mode }: CredentialOwner,
  id: string,
): Promise<SmtpCredentialRow> {
  const where = { tenant_id: tenantId, mode, id }
  const row = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) => db.smtp_credential.findFirst({ where, select: COLUMNS })),
  )
  if (!row) throw new Problem('not-found')
  return Stored.parse(row)
}

/** Changes a credential, or revokes it for good. */
export async function updateSmtpCredential(
  deps: Pick<SmtpCredentialDeps, 'prisma'>,
  owner: CredentialOwner,
  id: string,
  { revoked, ...rest }: UpdateSmtpCredentialRequest,
): Promise<SmtpCredentialRow> {
  const { tenantId, mode } = owner
  await fromStorage(
    deps.prisma.forTenant(tenantId, async (db) => {
      const where = { tenant_id: tenantId, mode, id }
      if ((await db.smtp_credential.count({ where })) === 0) throw new Problem('not-found')
      const changes = given(rest)
      if (Object.keys(changes).length > 0) await db.smtp_credential.updateMany({ where, data: changes })
      await db.$executeRaw`
        update smtp_credential
        set updated_at = now(), revoked_at = case when ${revoked === true} then coalesce(revoked_at, now()) else revoked_at end
        where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`
    }),
  )
  return readSmtpCredential(deps, owner, id)
}

export async function deleteSmtpCredential(
  deps: Pick<SmtpCredentialDeps, 'prisma'>,
  { tenantId, mode }: CredentialOwner,
  id: string,
): Promise<void> {
  const where = { tenant_id: tenantId, mode, id }
  const { count } = await fromStorage(
    deps.prisma.forTenant(tenantId, (db) => db.smtp_credential.deleteMany({ where })),
  )
  if (count === 0) throw new Problem('not-found')
}

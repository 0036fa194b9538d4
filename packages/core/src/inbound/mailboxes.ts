import type { CreateMailboxRequest } from '@lettergate/contracts/inbound/messages'
import { newId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import { fromStorage } from '../lib/index.ts'
import { checkResourceLimit } from '../plans/index.ts'
import type { InboundDeps, Owner } from './owner.ts'
import { StoredActions } from './stored-action.ts'

export type MailboxRow = { id: string; name: string; created_at: Date }

const COLUMNS = { id: true, name: true, created_at: true } as const

export function createMailbox(
  { prisma }: Pick<InboundDeps, 'prisma'>,
  { tenantId, mode }: Owner,
  { name }: CreateMailboxRequest,
): Promise<MailboxRow> {
  return fromStorage(
    prisma.forTenantInTurn(tenantId, async (db) => {
      await checkResourceLimit(db, { tenantId, resource: 'mailboxes' })
      const names = await db.mailbox.findMany({
        where: { tenant_id: tenantId },
        select: { name: true, mode: true },
      })
      if (names.some((one) => one.name === name && one.mode === mode))
        throw new Problem('wrong-state', {
          detail: 'There is a mailbox of this name already. Choose another name.',
        })
      return db.mailbox.create({ data: { tenant_id: tenantId, id: newId(), mode, name }, select: COLUMNS })
    }),
  )
}

export function listMailboxes(
  { prisma }: Pick<InboundDeps, 'prisma'>,
  { tenantId, mode }: Owner,
): Promise<MailboxRow[]> {
  return fromStorage(
    prisma.forTenant(tenantId, (db) =>
      db.mailbox.findMany({
        where: { tenant_id: tenantId, mode },
        select: COLUMNS,
        orderBy: [{ name: 'asc' }, { id: 'asc' }],
      }),
    ),
  )
}

export async function readMailbox(
  { prisma }: Pick<InboundDeps, 'prisma'>,
  { tenantId, mode }: Owner,
  id: string,
): Promise<MailboxRow> {
  const row = await fromStorage(
    prisma.forTenant(tenantId, (db) =>
      db.mailbox.findFirst({ where: { tenant_id: tenantId, mode, id }, select: COLUMNS }),
    ),
  )
  if (!row) throw new Problem('not-found')
  return row
}

/** Removes a mailbox that no route stores in; its mail stays in the log. */
export async function deleteMailbox(
  { prisma }: Pick<InboundDeps, 'prisma'>,
  { tenantId, mode }: Owner,
  id: string,
): Promise<void> {
  await fromStorage(
    prisma.forTenantInTurn(tenantId, async (db) => {
      const routes = await db.inbound_route.findMany({
        where: { tenant_id: tenantId, mode },
        select: { name: true, actions: true },
      })
      const user = routes.find(({ actions }) =>
        StoredActions.parse(actions).some((one) => one.type === 'store' && one.mailbox_id === id),
      )
      if (user) {
        throw new Problem('wrong-state', {
          detail: `The inbound route "${user.name}" stores in this mailbox. Change or delete the route first.`,
        })
      }
      const { count } = await db.mailbox.deleteMany({ where: { tenant_id: tenantId, mode, id } })
      if (count === 0) throw new Problem('not-found')
    }),
  )
}

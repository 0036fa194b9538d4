import { toPublicId } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { z } from 'zod'
import { type CursorKey, fromStorage, readCursor, writeCursor } from '../lib/index.ts'
import { contentOf, StoredContent, type StoredFile } from './content.ts'
import type { Owner } from './owner.ts'
import {
  type CallTry,
  deleteInboundRow,
  type InboundListed,
  type InboundRecord,
  listInboundRows,
  markInbound,
  readInboundCalls,
  readInboundRaw,
  readInboundRow,
  replayInboundRow,
} from './sql/read-inbound.ts'
import { type DoneAction, DoneActions } from './stored-action.ts'

type Deps = { tenants: Tenants }

export type ActionInfo = Pick<DoneAction, 'type' | 'detail' | 'message_id'> & {
  state: 'waiting' | 'done' | 'failed'
  nextAt: Date | null
  attempts: CallTry[]
}
export type InboundInfo = Omit<InboundRecord, 'content' | 'actions'> & {
  content: StoredContent | null
  actions: ActionInfo[]
}

const isOk = ({ status }: CallTry): boolean => status !== null && status >= 200 && status < 300

function toAction(
  { type, state, detail, message_id, seq }: DoneAction,
  { tries, due }: Awaited<ReturnType<typeof readInboundCalls>>,
): ActionInfo {
  const shown = { type, detail, message_id }
  if (state !== 'called') return { ...shown, state, nextAt: null, attempts: [] }
  const attempts = tries.filter((one) => one.seq === seq)
  const next = due.find((one) => one.seq === seq)
  return {
    ...shown,
    state: attempts.some(isOk) ? 'done' : next ? 'waiting' : 'failed',
    nextAt: next?.dueAt ?? null,
    attempts,
  }
}

async function findRow(deps: Deps, { tenantId, mode }: Owner, id: string): Promise<InboundRecord> {
  const row = await fromStorage(readInboundRow(deps.tenants.forTenant(tenantId), tenantId, id))
  if (!row || row.mode !== mode) throw new Problem('not-found')
  return row
}

/** A received mail, and what became of it. */
export async function readInbound(deps: Deps, owner: Owner, id: string): Promise<InboundInfo> {
  const { tenantId } = owner
  const { content, actions, ...row } = await findRow(deps, owner, id)
  const done = DoneActions.parse(actions)
  const seqs = done.flatMap(({ seq }) => seq ?? [])
  const calls = await fromStorage(readInboundCalls(deps.tenants.forTenant(tenantId), tenantId, id, seqs))
  return {
    ...row,
    content: content === null ? null : StoredContent.parse(content),
    actions: done.map((one) => toAction(one, calls)),
  }
}

export type InboundQuery = {
  mailboxId: string | null
  unread?: boolean | undefined
  cursor?: string | undefined
  limit: number
}

/** Received mails, newest first, a page at a time: of a mailbox, or all. */
export async function listInbound(
  deps: Deps & { cursorKey: CursorKey },
  { tenantId, mode }: Owner,
  { mailboxId, unread = false, cursor, limit }: InboundQuery,
): Promise<{ mails: InboundListed[]; nextCursor: string | null }> {
  const scope = ['inbound', tenantId, mode, mailboxId, String(unread)]
  const before =
    cursor === undefined ? null : z.uuid().safeParse(readCursor(deps.cursorKey, scope, cursor)).data
  if (before === undefined) throw new Problem('cursor-invalid')
  const rows = await fromStorage(
    listInboundRows(deps.tenants.forTenant(tenantId), tenantId, {
      mode,
      mailboxId,
      unread,
      before,
      limit: limit + 1,
    }),
  )
  const mails = rows.slice(0, limit)
  const last = mails.at(-1)
  return {
    mails,
    nextCursor: rows.length > limit && last ? writeCursor(deps.cursorKey, scope, last.id) : null,
  }
}

/** The mail as it came. `reserve` is asked for room before it is read. */
export async function readRawInbound(
  deps: Deps,
  owner: Owner,
  id: string,
  reserve: (bytes: number) => void,
): Promise<Buffer> {
  const { rawId, bytes } = await findRow(deps, owner, id)
  reserve(bytes)
  const { tenantId } = owner
  const raw = await fromStorage(readInboundRaw(deps.tenants.forTenant(tenantId), tenantId, rawId))
  if (!raw) throw new Problem('not-found')
  return raw
}

/** One file of a mail; `number` counts from 0. */
export async function readInboundFile(
  deps: Deps,
  owner: Owner,
  { id, number }: { id: string; number: number },
  reserve: (bytes: number) => void,
): Promise<{ file: StoredFile; bytes: Buffer }> {
  const { tenantId } = owner
  const { content, rawId } = await findRow(deps, owner, id)
  const file = content === null ? undefined : StoredContent.parse(content).attachments[number]
  if (!file) throw new Problem('not-found')
  reserve(2 * (file.end - file.start))
  const written = await fromStorage(readInboundRaw(deps.tenants.forTenant(tenantId), tenantId, rawId, file))
  if (!written) throw new Problem('not-found')
  return { file, bytes: contentOf(written, { ...file, start: 0, end: written.length }) }
}

export async function markInboundRead(
  deps: Deps,
  { tenantId, mode }: Owner,
  id: string,
  isRead: boolean,
): Promise<void> {
  const isFound = await fromStorage(
    markInbound(deps.tenants.forTenant(tenantId), tenantId, { id, mode, isRead }),
  )
  if (!isFound) throw new Problem('not-found')
}

export async function deleteInbound(deps: Deps, { tenantId, mode }: Owner, id: string): Promise<void> {
  const isFound = await fromStorage(
    deleteInboundRow(deps.tenants.forTenant(tenantId), tenantId, { id, mode }),
  )
  if (!isFound) throw new Problem('not-found')
}

/** Has a mail read and acted on again, by the route as it is now. */
export async function replayInbound(deps: Deps, owner: Owner, id: string): Promise<void> {
  await findRow(deps, owner, id)
  const { tenantId, mode } = owner
  const isBegun = await fromStorage(
    replayInboundRow(deps.tenants.forTenant(tenantId), tenantId, { id, mode }),
  )
  if (!isBegun)
    throw new Problem('wrong-state', { detail: `${toPublicId('inb', id)} is still waiting to be acted on.` })
}

import { hash } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import { createBatcher } from '@lettergate/db/batcher'
import type { Pool } from '@lettergate/db/pool'
import { withCrlfEnds } from '@lettergate/providers/raw-mime/line-ends'
import { type Failpoint, notify } from '../lib/index.ts'
import type { MailSession } from './authenticate.ts'
import type { FoundRecipient } from './find-recipient.ts'
import { type InboundRow, insertInbound } from './sql/accept-inbound.ts'
import { countDue } from './sql/count-due.ts'

export type ReceivedInbound = {
  session: MailSession & { isTls: boolean }
  /** As the session's RCPT answers found them. */
  recipients: readonly { address: string; found: FoundRecipient }[]
  raw: Buffer
}

export type InboundAcceptor = {
  /** Resolves when the mail is committed for each recipient, or was before; answers what to call it. */
  accept(mail: ReceivedInbound): Promise<{ id: string; isRepeat: boolean }>
  /** So many mails wait that no more are taken: the server repeats later. */
  isFull(): boolean
  drain(): Promise<void>
  close(): void
}

const BATCH = { itemsMax: 200, weightMax: 4_000_000, inFlightMax: 2, waitingMax: 1_000 }
/** Mails that wait to be read, in the whole installation. */
const BACKLOG_MAX = 50_000
const LOOK_MS = 2_000

type Unit = { rows: InboundRow[]; raw: Buffer; tenants: string[]; rawId: string }

function toUnit({ session, recipients }: ReceivedInbound, raw: Buffer): Unit {
  const rawHash = hash('sha256', raw, 'buffer')
  const rawId = newId()
  const rows = recipients.map(({ address, found }) => ({
    tenantId: found.tenantId,
    id: newId(),
    mode: found.mode,
    kind: found.kind,
    routeId: found.routeId,
    aboutId: found.aboutId,
    aboutPosition: found.aboutPosition,
    rawId,
    rawHash,
    sender: session.sender,
    recipient: address,
    remoteAddress: session.remoteAddress,
    helo: session.helo,
    isTls: session.isTls,
    bytes: raw.length,
  }))
  return { rows, raw, rawId, tenants: [...new Set(rows.map(({ tenantId }) => tenantId))] }
}

/** Stores received mail: once this resolves, the mail is committed and will be acted on. Mails that come together share a statement. */
export function createInboundAcceptor(deps: {
  pool: Pool
  failpoint: Failpoint
  onError: (error: unknown) => void
}): InboundAcceptor {
  let isFull = false
  const look = () =>
    countDue(deps.pool, BACKLOG_MAX).then(({ count }) => {
      isFull = count >= BACKLOG_MAX
    }, deps.onError)
  const timer = setInterval(() => void look(), LOOK_MS)
  timer.unref()

  const batches = createBatcher<Unit, ReadonlySet<string>>({
    ...BATCH,
    weigh: ({ raw }) => raw.length,
    async run(units) {
      const raws = units.flatMap(({ raw, rawId, tenants }) =>
        tenants.map((tenantId) => ({ tenantId, id: rawId, raw })),
      )
      const fresh = await insertInbound(
        deps.pool,
        units.flatMap(({ rows }) => rows),
        raws,
      )
      // A hint: workers look by themselves.
      if (fresh.size > 0) notify(deps.pool, [{ channel: 'lg_inbound', payload: '' }]).catch(deps.onError)
      await deps.failpoint('after_inbound_commit')
      return units.map(() => fresh)
    },
  })

  return {
    async accept(mail) {
      const { raw } = await withCrlfEnds(mail.raw)
      const unit = toUnit(mail, raw)
      const fresh = await batches.add(unit)
      const [first] = unit.rows
      return { id: first?.id ?? unit.rawId, isRepeat: !unit.rows.some(({ id }) => fresh.has(id)) }
    },
    isFull: () => isFull,
    drain: () => batches.drain(),
    close: () => clearInterval(timer),
  }
}

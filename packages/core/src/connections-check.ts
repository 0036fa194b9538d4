import { toPointer } from '@lettergate/contracts/faults'
import { Problem } from '@lettergate/contracts/problems'
import type { NewMessage } from '@lettergate/contracts/send-request'
import { type ConnectionRow, listConnectionRows } from '@lettergate/db/sql/connection-list'
import type { Tenants } from '@lettergate/db/tenant-database'
import type { Provider } from '@lettergate/providers/provider'
import { fromStorage } from './read-storage.ts'

type Deps = { tenants: Tenants; providers: Readonly<Record<string, Provider>> }

/** Every provider takes what is smaller: not worth a query. */
const SMALL_BYTES = 5 * 1024 * 1024
/** Base64 in lines of 76 characters. */
const ENCODED_RATIO = (4 / 3) * (78 / 76)

function contentBytes(message: NewMessage): number {
  let bytes = Buffer.byteLength(message.text ?? '') + Buffer.byteLength(message.html ?? '')
  for (const { content } of message.attachments) bytes += content.length
  return bytes
}

function tooLarge(bytesMax: number): Problem {
  return new Problem('payload-too-large', {
    detail: `Encoded, the message is larger than the ${bytesMax} bytes that your provider takes.`,
  })
}

/**
 * Whether the tenant's connections could carry the message at all; null if so. Asks the database only about messages that
 * name a connection or are large.
 */
export async function findConnectionFault(
  deps: Deps,
  tenantId: string,
  message: NewMessage,
  pointer = '#',
): Promise<Problem | null> {
  const { connectionId } = message
  const bytes = contentBytes(message)
  if (connectionId === undefined && bytes < SMALL_BYTES) return null
  const usable = (row: ConnectionRow) => row.enabled || connectionId !== undefined
  const db = deps.tenants.forTenant(tenantId)
  const rows = (await fromStorage(listConnectionRows(db, tenantId, connectionId ?? null))).filter(usable)
  if (connectionId !== undefined && rows.length === 0) {
    const detail = 'is not one of your connections'
    return new Problem('connection-not-found', {
      detail: `The connection ${detail}.`,
      errors: [{ pointer: `${pointer}${toPointer(['connection'])}`, detail }],
    })
  }
  const bytesMax = Math.max(
    ...rows.map((row) => deps.providers[row.provider]?.capabilities.messageBytesMax ?? 0),
  )
  return rows.length > 0 && bytes * ENCODED_RATIO > bytesMax ? tooLarge(bytesMax) : null
}

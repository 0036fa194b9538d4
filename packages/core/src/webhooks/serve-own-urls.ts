import { hash } from 'node:crypto'
import { newId } from '@lettergate/contracts/lib/ids'
import { numberOfType } from '@lettergate/contracts/messages/event-types'
import { isStill, readPage, readStoredWindow } from './read-page.ts'
import type { Served } from './serve-endpoint.ts'
import { fanOut, type OwnUrlDelivery } from './sql/fan-out.ts'
import type { Lease } from './sql/lease-state.ts'
import type { WebhookDeps } from './webhook-deps.ts'

const PAGE = 200

/** The URLs of one host share their concurrency: a UUID of tenant and host. */
export function targetOfUrl(tenantId: string, url: string): string {
  const text = hash('sha256', JSON.stringify([tenantId, new URL(url).host]))
  return [
    text.slice(0, 8),
    text.slice(8, 12),
    text.slice(12, 16),
    text.slice(16, 20),
    text.slice(20, 32),
  ].join('-')
}

/** Makes deliveries of a page of events whose messages have a URL of their own. One bad URL must not hold up those of others. */
export async function serveOwnUrls(deps: WebhookDeps, lease: Lease): Promise<Served> {
  const { tenantId, mode } = lease
  const window = readStoredWindow(lease.cursor)
  const page = await readPage(deps, { tenantId, mode }, window, null, PAGE)
  if (isStill(window, page)) return 'idle'
  const rows = page.events.flatMap((event): OwnUrlDelivery[] => {
    const { callbackUrl, messageId } = event
    if (callbackUrl === null || messageId === null) return []
    return [
      {
        id: newId(),
        url: callbackUrl,
        target: targetOfUrl(tenantId, callbackUrl),
        messageId,
        seq: event.seq,
        type: numberOfType(event.type),
        connectionId: event.connectionId,
        isBulk: event.stream === 'bulk',
      },
    ]
  })
  const cursor = JSON.stringify(page.next)
  if (!(await fanOut(deps.pool, lease, cursor, rows))) return 'ended'
  lease.cursor = cursor
  return page.hasMore ? 'more' : 'idle'
}

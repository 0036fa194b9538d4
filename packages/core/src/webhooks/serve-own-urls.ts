import { hash } from 'node:crypto'
import { passPage, type Served } from './pass-page.ts'
import { readPage, readStoredWindow } from './read-page.ts'
import type { Lease } from './sql/lease-state.ts'
import type { WebhookResult } from './sql/record-results.ts'
import { toListed } from './to-results.ts'
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
  const deliveries = page.events.flatMap((event): WebhookResult[] => {
    const { callbackUrl: url, messageId } = event
    if (url === null || messageId === null) return []
    return [
      {
        tenantId,
        mode,
        endpointId: null,
        url,
        target: targetOfUrl(tenantId, url),
        ...toListed(event),
        epoch: null,
        number: 0,
        answer: null,
        list: null,
        retryMs: null,
      },
    ]
  })
  return passPage(deps, lease, window, page, deliveries)
}

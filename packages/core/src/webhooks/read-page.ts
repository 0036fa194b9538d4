import { isEventType } from '@lettergate/contracts/messages/event-types'
import { Problem } from '@lettergate/contracts/problems/problems'
import { z } from 'zod'
import { BEGINNING, type FeedBatch, type FeedReader, type FeedWindow, readFeedFrom } from '../feed/index.ts'
import type { OpenEndpoint } from './open-target.ts'
import type { WebhookDeps } from './webhook-deps.ts'

const Moment = z.object({ snapshot: z.string(), base: z.number(), atMs: z.number() })
const StoredWindow = z.object({
  from: Moment,
  to: Moment.nullable(),
  reached: z.tuple([z.number(), z.number()]),
})

/** The window in a stored cursor. */
export function readStoredWindow(cursor: string): FeedWindow {
  return StoredWindow.parse(JSON.parse(cursor))
}

/** A page behind the window. A cursor older than the feed goes on with the oldest event that is kept: it has seen none of those. */
export async function readPage(
  deps: Pick<WebhookDeps, 'tenants' | 'feedDays'>,
  reader: FeedReader,
  window: FeedWindow,
  types: OpenEndpoint['types'],
  limit: number,
): Promise<FeedBatch> {
  const filter = { types: types?.length ? types.filter(isEventType) : undefined }
  const read = (from: FeedWindow) =>
    readFeedFrom({ tenants: deps.tenants, keptDays: deps.feedDays }, reader, from, filter, limit)
  try {
    return await read(window)
  } catch (error) {
    if (error instanceof Problem && error.code === 'cursor-expired') return await read(BEGINNING)
    throw error
  }
}

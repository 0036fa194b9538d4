import { isEventType, numberOfType } from '@lettergate/contracts/messages/event-types'
import { fromStorage } from '../lib/index.ts'
import { type EndpointDeps, type Owner, readEndpoint } from './endpoints.ts'
import { type ReplayPosition, replayChunk } from './sql/replay.ts'

const CHUNK = 5_000
const EVENTS_MAX = 100_000

export type Replay = {
  seq?: number | undefined
  messageId?: string | undefined
  since?: Date | undefined
  onlyFailed: boolean
  isDryRun: boolean
}

/**
 * Sends events to an endpoint once more, those that its filters let through, and counts them. In chunks of their own, so that a long one
 * holds no lock for long: if it breaks off, what was written is sent, and a repeat adds only the rest.
 */
export async function replayEvents(
  deps: EndpointDeps,
  owner: Owner,
  id: string,
  { seq, messageId, since, onlyFailed, isDryRun }: Replay,
): Promise<{ count: number; hasMore: boolean; until: Date | null }> {
  const { types, tags, streams } = await readEndpoint(deps, owner, id)
  const filter = {
    endpointId: id,
    mode: owner.mode,
    seq: seq ?? null,
    messageId: messageId ?? null,
    since: since ?? null,
    onlyFailed,
    types: types.filter(isEventType).map(numberOfType),
    tags,
    streams,
  }
  const db = deps.tenants.forTenant(owner.tenantId)
  let after: ReplayPosition = [-1, -1]
  let count = 0
  let until: Date | null = null
  for (;;) {
    const chunk = await fromStorage(
      replayChunk(db, owner.tenantId, filter, after, { limit: CHUNK, isDryRun }),
    )
    count += chunk.count
    if (chunk.last) {
      after = chunk.last.position
      until = chunk.last.at
    }
    if (!chunk.isFull || count >= EVENTS_MAX) return { count, hasMore: chunk.isFull, until }
  }
}

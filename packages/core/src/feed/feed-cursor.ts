import { Problem } from '@lettergate/contracts/problems/problems'
import { z } from 'zod'
import { type CursorKey, readCursor, writeCursor } from '../lib/index.ts'
import type { FeedWindow } from './sql/read-feed.ts'

/** Before every transaction. */
export const BEGINNING: FeedWindow = {
  from: { snapshot: '1:1:', base: 0, atMs: 0 },
  to: null,
  reached: [0, 0],
}

const Moment = z.tuple([z.string(), z.number(), z.number()])
const Position = z.tuple([Moment, Moment.nullable(), z.number(), z.number()])

type Scope = { tenantId: string; mode: string }

const scopeOf = ({ tenantId, mode }: Scope) => ['feed', tenantId, mode]

/** Good for the tenant and mode, with any filter. */
export function writeFeedCursor(key: CursorKey, scope: Scope, { from, to, reached }: FeedWindow): string {
  const position: z.infer<typeof Position> = [
    [from.snapshot, from.base, from.atMs],
    to && [to.snapshot, to.base, to.atMs],
    ...reached,
  ]
  return writeCursor(key, scopeOf(scope), JSON.stringify(position))
}

export function readFeedCursor(key: CursorKey, scope: Scope, cursor: string): FeedWindow {
  const parsed = Position.safeParse(JSON.parse(readCursor(key, scopeOf(scope), cursor)))
  if (!parsed.success) throw new Problem('cursor-invalid', { cause: parsed.error })
  const [from, to, ...reached] = parsed.data
  const momentOf = ([snapshot, base, atMs]: z.infer<typeof Moment>) => ({ snapshot, base, atMs })
  return { from: momentOf(from), to: to && momentOf(to), reached }
}

import type { FeedMoment } from './sql/read-feed.ts'

/** Xmax and the transactions under way of a snapshot, as Postgres writes it: `xmin:xmax:xip,…`. */
function parse({ snapshot }: FeedMoment): { xmax: number; open: ReadonlySet<number> } {
  const [, xmax = '', open = ''] = snapshot.split(':')
  return { xmax: Number(xmax), open: new Set(open === '' ? [] : open.split(',').map(Number)) }
}

/** Whether what a transaction wrote (`pos` of a row) was visible at the moment. */
export function visibleAt(moment: FeedMoment): (pos: number) => boolean {
  const { xmax, open } = parse(moment)
  return (pos) => pos - moment.base < xmax && !open.has(pos - moment.base)
}

/** The oldest of some moments of one cluster, in which the visible transactions only grow. */
export function oldestMoment(moments: readonly [FeedMoment, ...FeedMoment[]]): FeedMoment {
  const isOlder = (a: FeedMoment, b: FeedMoment): boolean => {
    if (a.snapshot === b.snapshot) return a.atMs < b.atMs
    const [left, right] = [parse(a), parse(b)]
    if (a.base !== b.base) return a.base < b.base
    return left.xmax === right.xmax ? left.open.size > right.open.size : left.xmax < right.xmax
  }
  return moments.reduce((oldest, moment) => (isOlder(moment, oldest) ? moment : oldest))
}

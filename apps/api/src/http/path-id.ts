import { fromPublicId, type IdPrefix } from '@lettergate/contracts/lib/ids'
import { Problem } from '@lettergate/contracts/problems/problems'

/** The uuid behind a public id in a path. One that was never given out is answered like one that does not exist. */
export function pathId(prefix: IdPrefix, text: string): string {
  const id = fromPublicId(prefix, text)
  if (id === null) throw new Problem('not-found')
  return id
}

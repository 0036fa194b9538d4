/** One attempt at a message since it was due, in the order in which they were made. */
export type EarlierTry = {
  connectionId: string | null
  outcome: string
  scope: string | null
  code: string | null
  positions: number[]
}

/** Tries that surely did not get through, of one connection; `code`: of the last of them. */
export type FailedTries = { connectionId: string | null; failed: number; code: string | null }

/** A recipient who goes alone, since a call with several was refused for the sake of one; `tries`: how often it did. */
export type Alone = { position: number; tries: number }

/** Not even begun, so it counts for nothing. */
const isBegun = ({ code }: EarlierTry) => code !== 'connection-busy'

function isFailed(one: EarlierTry): boolean {
  const { outcome, scope, code } = one
  return isBegun(one) && (outcome === 'deferred' || scope === 'account' || code === 'message-too-large')
}

export function failedTriesOf(tries: readonly EarlierTry[]): FailedTries[] {
  const found = new Map<string | null, FailedTries>()
  for (const { connectionId, code } of tries.filter(isFailed)) {
    const failed = (found.get(connectionId)?.failed ?? 0) + 1
    found.set(connectionId, { connectionId, failed, code })
  }
  return [...found.values()]
}

/**
 * Those whom calls with several did not reach, since the provider refused these for the sake of one without saying which. Those whom it
 * did name stand here as well: they have failed, so nobody asks.
 */
export function aloneOf(tries: readonly EarlierTry[]): Alone[] {
  const ofOne = tries.filter(
    ({ outcome, code, positions }) =>
      outcome === 'rejected' && code === 'recipient-refused' && positions.length > 1,
  )
  return [...new Set(ofOne.flatMap(({ positions }) => positions))].map((position) => ({
    position,
    tries: tries.filter((one) => one.positions.length === 1 && one.positions[0] === position && isBegun(one))
      .length,
  }))
}

import { Problem } from '@lettergate/contracts/problems/problems'
import { databaseFailure } from '@lettergate/db/errors'

/** Turns an unavailable database into a 503; errors of a statement itself stay as they are. */
export async function fromStorage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Problem || databaseFailure(error) === 'query') throw error
    throw new Problem('storage-unavailable', {
      detail: 'The database did not answer in time. Repeat the request.',
      headers: { 'retry-after': '2' },
      cause: error,
    })
  }
}

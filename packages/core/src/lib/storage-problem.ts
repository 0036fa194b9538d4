import { Problem } from '@lettergate/contracts/problems/problems'
import { databaseFailure } from '@lettergate/db/errors'

/** Turns a database that cannot answer now into the 503 that this means; a statement's own fault stays what it is. */
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

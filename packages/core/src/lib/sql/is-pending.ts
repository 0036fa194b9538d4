import { pendingStatuses } from '@lettergate/contracts/messages/recipient-status'

const LIST = pendingStatuses.map((status) => `'${status}'`).join(', ')

/** Says in SQL that a recipient still waits for an attempt; `status` is an expression of the statement. */
export function isPending(status: string): string {
  return `${status} in (${LIST})`
}

import type { Provider, ProviderConnection } from '@lettergate/providers/provider'
import type { OwnDomains } from '../domains/index.ts'
import type { ConnectionLimits } from './sql/sealed-connection.ts'

/** A connection that may carry a message. */
export type Candidate = {
  provider: Provider
  connection: ProviderConnection<unknown, unknown>
  /** Null: the gateway's own. */
  connectionId: string | null
  limits?: ConnectionLimits | null
  /** The tenant that it belongs to, where that is not the message's: the operator's, for a connection of the shared pool. */
  ownerId?: string
  /** Of the tenant that sends; for providers that send as this gateway. */
  domains?: OwnDomains
}

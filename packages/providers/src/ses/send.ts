import type { Io, OutboundMessage, ProviderConnection, SendOutcome } from '../provider.ts'
import type { SesCredentials, SesSettings } from './index.ts'

export async function sendBySes(
  _message: OutboundMessage,
  _connection: ProviderConnection<SesCredentials, SesSettings>,
  _endpoint: string,
  _io: Io,
): Promise<SendOutcome> {
  return { kind: 'deferred', reason: 'not built' }
}

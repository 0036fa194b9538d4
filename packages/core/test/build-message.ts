import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import type { CredentialRenewer } from '../src/connections/index.ts'

/** For providers that never replace a secret. */
export const noSecrets: Pick<CredentialRenewer, 'renew'> = { renew: () => {} }

/** A message that says only what every message must. */
export function buildMessage(change: Partial<NewMessage> = {}): NewMessage {
  return {
    from: { address: 'app@acme.example' },
    to: [{ address: 'user@example.net' }],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'Hello',
    text: 'Hello',
    headers: {},
    attachments: [],
    tags: [],
    metadata: {},
    stream: 'transactional',
    ...change,
  }
}

/** Resolves as soon as `check` answers anything but undefined; a test that never gets there ends by its own time limit. */
export async function eventually<T>(check: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

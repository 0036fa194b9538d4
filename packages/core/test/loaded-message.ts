import type { LoadedMessage } from '../src/deliver/index.ts'

/** A message to two recipients, as loaded before its first attempt. */
export function buildLoadedMessage(change: Partial<LoadedMessage> = {}): LoadedMessage {
  return {
    tenantId: 'tenant',
    messageId: 'message',
    epoch: 7,
    mode: 'live',
    createdAt: new Date(),
    usageDay: '2026-11-20',
    attempts: 1,
    retryHours: 72,
    expiresInMs: 72 * 3_600_000,
    onUnknown: 'hold',
    connectionsVersion: 0,
    poolVersion: 0,
    poolDay: null,
    connectionId: null,
    sending: null,
    unknownAttempts: [],
    tries: [],
    stream: 'transactional',
    fromAddress: 'app@acme.example',
    fromName: null,
    subject: 'Hello',
    tags: [],
    metadata: null,
    attachmentCount: 0,
    document: {},
    recipients: [
      { position: 0, kind: 'to', address: 'a@x.example', name: null, status: 'queued' },
      { position: 1, kind: 'cc', address: 'b@x.example', name: null, status: 'queued' },
    ],
    ...change,
  }
}

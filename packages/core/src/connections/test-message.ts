import type { NewMessage } from '@lettergate/contracts/messages/send-request'

/** The message that shows whether mail gets through by one connection; its text says that it is a test. */
export function testMessage(test: { connectionId: string; from: string; to: string }): NewMessage {
  return {
    from: { address: test.from },
    to: [{ address: test.to }],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'Test message',
    text: 'This message was sent to test a connection of Lettergate. It got through; there is nothing to do.\n',
    headers: { 'X-LG-Test': 'connection' },
    attachments: [],
    tags: [],
    metadata: {},
    stream: 'transactional',
    connectionId: test.connectionId,
  }
}

import { z } from 'zod'
import { toRefusedOutcome } from '../lib/refusals.ts'
import type { OutboundMessage, Provider, RecipientRefusal, SendOutcome } from '../provider.ts'

const noFields = z.strictObject({})

/** Immediate outcomes of the sandbox recipients; the other ones are accepted like any address. */
const sandbox: Record<string, Omit<RecipientRefusal, 'address'>> = {
  'rejected@sandbox.lettergate.dev': {
    kind: 'rejected',
    code: 'recipient-refused',
    reason: '550 5.1.1 sandbox: no such mailbox',
  },
  'deferred@sandbox.lettergate.dev': {
    kind: 'deferred',
    code: 'recipient-deferred',
    reason: '451 4.7.1 sandbox: try again later',
  },
}

/** Sends nothing: every message is accepted at once, and can be looked at through the API. */
export function createCapture(): Provider<Record<string, never>, Record<string, never>> {
  return {
    id: 'capture',
    description: 'Sends nothing; the mail stays in Lettergate to be looked at. Test mode uses it always.',
    credentials: noFields,
    settings: noFields,
    capabilities: {
      recipientsMax: 1000,
      rawMime: { recipients: 'envelope', eightBit: true },
      messageBytesMax: 40 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: true,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 10,
      metadata: true,
      tellsLimits: false,
    },
    targets: () => [],
    send: async (message) => toOutcome(message),
    check: async () => ({ problem: null, notes: ['Nothing leaves Lettergate through this connection.'] }),
  }
}

/** The outcome that the recipients of a message stand for. */
export function toOutcome(message: OutboundMessage): SendOutcome {
  const refused: RecipientRefusal[] = []
  for (const address of message.envelopeTo) {
    const rule = sandbox[address.toLowerCase()]
    if (rule) refused.push({ address, ...rule })
  }
  if (refused.length === 0) return { kind: 'accepted', providerMessageId: `capture-${message.id}` }
  if (refused.length < message.envelopeTo.length) {
    return { kind: 'accepted', providerMessageId: `capture-${message.id}`, refused }
  }
  return toRefusedOutcome(refused)
}

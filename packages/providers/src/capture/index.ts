import { z } from 'zod'
import { toRefusedOutcome } from '../lib/refusals.ts'
import { toFailure } from '../lib/to-failure.ts'
import type { OutboundMessage, Provider, RecipientRefusal, SendOutcome } from '../provider.ts'
import { captureEvents } from './events.ts'
import { playOf } from './sandbox.ts'

const noFields = z.strictObject({})

/** Sends nothing: every message is accepted at once, and can be looked at through the API. */
export function createCapture(): Provider<Record<string, never>, Record<string, never>> {
  return {
    id: 'capture',
    description: 'Sends nothing; the mail stays in Lettergate to be looked at. Test mode uses it always.',
    credentials: noFields,
    settings: noFields,
    capabilities: {
      recipientsMax: 1000,
      orders: [],
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
    events: captureEvents,
    targets: () => [],
    send: async (message, _connection, { attempt }) => toOutcome(message, attempt),
    check: async () => ({ problem: null, notes: ['Nothing leaves Lettergate through this connection.'] }),
  }
}

/** The outcome that the recipients of a message stand for. */
export function toOutcome({ id, envelopeTo }: OutboundMessage, attempt = 1): SendOutcome {
  const refused = envelopeTo.flatMap((address): RecipientRefusal[] => {
    const answer = playOf(address).answer?.(attempt)
    return answer ? [{ address, ...answer }] : []
  })
  if (refused.length < envelopeTo.length) {
    return { kind: 'accepted', providerMessageId: `capture-${id}`, ...(refused.length > 0 && { refused }) }
  }
  // As long as one may have it, that is what is said of all; with one that is retried, each is named.
  const unknown = refused.find(({ code }) => code === 'outcome-unknown')
  const isAgain = refused.some(({ kind }) => kind === 'deferred')
  return unknown && !isAgain ? toFailure(unknown.code, unknown.reason) : toRefusedOutcome(refused)
}

import { hash } from 'node:crypto'
import { z } from 'zod'
import type { ProviderEvent, Reading } from '../lib/provider-event.ts'
import { toEvent } from '../lib/to-event.ts'
import type { EventSource, Hook } from '../provider.ts'
import { playOf } from './sandbox.ts'

const prefix = 'capture-'

/** Written by the statement that records the messages as sent. */
const Sent = z.object({
  provider_message_id: z.string().startsWith(prefix),
  sent_at: z.string(),
  recipients: z.array(z.string()),
})

/** Between two events of a recipient. */
const stepMs = 250

function read(body: Buffer): z.output<typeof Sent> | null {
  try {
    return Sent.parse(JSON.parse(body.toString()))
  } catch {
    return null
  }
}

/** What became of the recipients of one captured message. The ids follow from message, recipient and kind. */
export function parseCapture(hook: Pick<Hook, 'body'>, receivedAt: Date): Reading {
  const sent = read(hook.body)
  if (!sent) return { events: [], unread: 1 }
  const messageId = sent.provider_message_id.slice(prefix.length)
  const sentAt = Date.parse(sent.sent_at)
  const events = sent.recipients.flatMap((recipient): ProviderEvent[] =>
    playOf(recipient).reports.map(({ reason, ...detail }, index) => {
      const id = hash('sha256', JSON.stringify([messageId, recipient, detail.kind])).slice(0, 32)
      const at = sentAt + (index + 1) * stepMs
      return toEvent(detail, { id, at, recipient, messageId, reason }, receivedAt)
    }),
  )
  return { events, unread: 0 }
}

const notNeeded =
  'Nothing is to be registered: this provider sends nothing, and Lettergate itself reports what became of the mail.'

/** Events of mail that was captured: made here, and taken from nobody. */
export const captureEvents: EventSource = {
  kinds: ['delivered', 'bounced', 'complained', 'opened', 'clicked', 'unsubscribed'],
  proof: 'none',
  bodyBytesMax: 0,
  secrets: z.never(),
  registration: z.never(),
  verify: () => ({ kind: 'refused', reason: 'events of captured mail come from Lettergate itself' }),
  parse: (hook, receivedAt) => [parseCapture(hook, receivedAt)],
  steps: () => [notNeeded],
  register: async () => ({
    kind: 'failed',
    problem: { code: 'provider-cannot-express', reason: notNeeded, advice: [] },
  }),
  unregister: async () => null,
}

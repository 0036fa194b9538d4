import { toPayload } from '@lettergate/contracts/webhooks/payload'
import { signWebhook } from '@lettergate/contracts/webhooks/sign-webhook'
import { type FeedEvent, presentEvent } from '../feed/index.ts'
import { webhookId } from './webhook-id.ts'

type Signed = { id: string; at: Date; body: string }

type Format = {
  /** The body of a call with these events; `isList`: the endpoint takes several, and gets a list of any length. */
  body(target: string, events: readonly FeedEvent[], isList: boolean): string
  /** Header fields that let the receiver verify the body. */
  sign(call: Signed, secrets: readonly string[]): Record<string, string>
}

/** How calls are written and signed, by the `format` of their endpoint. */
const formats: Record<string, Format> = {
  standard: {
    body(target, events, isList) {
      const entries = events.map((event) => {
        const payload = toPayload(presentEvent(event))
        // In a list, each event has an id of its own: a failed one is sent again alone.
        return isList ? { id: webhookId(target, [event]), ...payload } : payload
      })
      return JSON.stringify(isList ? entries : entries[0])
    },
    sign: signWebhook,
  },
}

export function formatOf(name: string): Format {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (!format) throw new Error(`an endpoint has the unknown format ${name}`)
  return format
}

import type { FeedEvent } from '../feed/responses.ts'

/** Body of a callback in the form of Standard Webhooks. */
export type WebhookPayload = {
  type: FeedEvent['type']
  timestamp: string
  data: Omit<FeedEvent, 'type'>
}

/** Presents an event as the body of a callback: its type and its time stand outside, as Standard Webhooks recommends. */
export function toPayload({ type, ...data }: FeedEvent): WebhookPayload {
  return { type, timestamp: data.at, data }
}

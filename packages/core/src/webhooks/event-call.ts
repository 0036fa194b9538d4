import { hash } from 'node:crypto'
import { eventTypeNames } from '@lettergate/contracts/messages/event-types'
import { toPayload } from '@lettergate/contracts/webhooks/payload'
import { type FeedEvent, presentEvent } from '../feed/index.ts'

/** The same on every attempt and replay of an event at a target, so that receivers recognise repeats. */
export function webhookId(target: string, events: readonly Pick<FeedEvent, 'messageId' | 'seq'>[]): string {
  const names = events.map(({ messageId, seq }) => [messageId, seq])
  return `evt_${hash('sha256', JSON.stringify([target, names])).slice(0, 32)}`
}

/** The body of a call: one event, or a list of them where the endpoint takes several. */
export function bodyOf(events: readonly FeedEvent[], isList: boolean): string {
  const payloads = events.map((event) => toPayload(presentEvent(event)))
  return JSON.stringify(isList ? payloads : payloads[0])
}

/** Place of a type in the list of the contracts, from 1. */
export const numberOfType = (type: FeedEvent['type']): number => eventTypeNames.indexOf(type) + 1

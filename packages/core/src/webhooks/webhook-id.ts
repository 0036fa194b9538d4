import { hash } from 'node:crypto'
import { eventTypeNames } from '@lettergate/contracts/messages/event-types'
import type { FeedEvent } from '../feed/index.ts'

/** The same on every attempt and replay of an event at a target, so that receivers recognise repeats. */
export function webhookId(target: string, events: readonly Pick<FeedEvent, 'messageId' | 'seq'>[]): string {
  const names = events.map(({ messageId, seq }) => [messageId, seq])
  return `evt_${hash('sha256', JSON.stringify([target, names])).slice(0, 32)}`
}

/** Place of a type in the list of the contracts, from 1. */
export const numberOfType = (type: FeedEvent['type']): number => eventTypeNames.indexOf(type) + 1

import { hash } from 'node:crypto'
import type { FeedEvent } from '../feed/index.ts'

/** The same on every attempt and replay of an event at a target, so that receivers recognise repeats. */
export function webhookId(target: string, events: readonly Pick<FeedEvent, 'messageId' | 'seq'>[]): string {
  const names = events.map(({ messageId, seq }) => [messageId, seq])
  return `evt_${hash('sha256', JSON.stringify([target, names])).slice(0, 32)}`
}

import type { FeedEvent } from '@lettergate/contracts/feed/responses'
import { type Feed, followFeed } from './follow-feed.ts'
import { type Forwarded, forwardEvent } from './forward-event.ts'

export type ListenOptions = Feed & {
  forward: string
  secret: string
  json: boolean
  isColoured: boolean
  signal: AbortSignal
  /** One line of output. */
  write(line: string): void
  /** One line about trouble. */
  warn(line: string): void
}

const isTaken = ({ status }: Forwarded) => status !== null && status >= 200 && status < 300

function jsonLine(event: FeedEvent, forwarded: Forwarded): string {
  const { type, seq, message_id, recipient } = event
  return JSON.stringify({ type, seq, message_id, recipient, ...forwarded, forwarded: isTaken(forwarded) })
}

function textLine(event: FeedEvent, forwarded: Forwarded, isColoured: boolean): string {
  const { status, error, ms, attempts } = forwarded
  const colour = isTaken(forwarded) ? 32 : 31
  const paint = (text: string) => (isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text)
  const answer = paint(status === null ? (error ?? 'no answer') : String(status))
  const giving = isTaken(forwarded) ? '' : `, given up after ${attempts} attempts`
  const about = [event.message_id, event.recipient].filter((text) => text !== null).join(' ')
  return `${event.at.slice(11, 19)} ${event.type.padEnd(22)} ${about} → ${answer} in ${ms} ms${giving}`
}

/** Brings the events of a tenant to a URL on this machine, in their order, until `signal` aborts. */
export async function listen(options: ListenOptions): Promise<void> {
  const { signal, write, warn } = options
  let isUp = false
  for await (const page of followFeed(options, {
    signal,
    onTrouble: (text) =>
      warn(text === null ? `${options.apiUrl} answers again` : `${text.replace(/\.$/, '')}; trying again`),
  })) {
    if (!isUp) {
      isUp = true
      write(
        options.json
          ? JSON.stringify({ secret: options.secret, api: options.apiUrl, forward: options.forward })
          : `Forwarding events of ${options.apiUrl} to ${options.forward}; Ctrl-C stops it.\nThey are signed with ${options.secret}`,
      )
    }
    for (const event of page.data) {
      const forwarded = await forwardEvent(options.forward, event, options)
      if (forwarded === null) return
      write(options.json ? jsonLine(event, forwarded) : textLine(event, forwarded, options.isColoured))
    }
  }
}

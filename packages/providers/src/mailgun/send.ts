import { exchange } from '../lib/http.ts'
import { buildMime } from '../lib/mime.ts'
import type { Io, OutboundMessage, SendOutcome } from '../provider.ts'
import type { Connection } from './account.ts'
import { toOutcome } from './outcome.ts'
import { toPost } from './post.ts'

/** https://help.mailgun.com/hc/en-us/articles/34389096824219-Tags */
export const tagsMax = 10

/** Hands the whole message to Mailgun as raw MIME. */
export async function sendByMailgun(
  message: OutboundMessage,
  connection: Connection,
  io: Io,
): Promise<SendOutcome> {
  const mime = await buildMime(message)
  const boundary = `lettergate-${message.id}`
  return exchange(io, toPost(connection, boundary, toFields(message), mime), toOutcome)
}

/**
 * https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages-mime
 * The addresses in `to` get the mail, whatever its header fields say. Variables come back with every event, but recipients
 * see them (X-Mailgun-Variables), so metadata is not among them.
 */
function toFields({ id, envelopeTo, tags }: OutboundMessage): [string, string][] {
  return [
    ['to', envelopeTo.join(',')],
    ['v:lg_id', id],
    ...toTags(tags).map((tag): [string, string] => ['o:tag', tag]),
  ]
}

/** The tags as Mailgun takes them: tags beyond the maximum are joined into the last one. */
export function toTags(tags: string[]): string[] {
  const some =
    tags.length <= tagsMax ? tags : [...tags.slice(0, tagsMax - 1), tags.slice(tagsMax - 1).join(',')]
  return some.map((tag) => tag.replace(/[^\x20-\x7e]/g, '_'))
}

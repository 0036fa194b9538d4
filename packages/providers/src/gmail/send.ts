import { exchange } from '../lib/http.ts'
import { buildPendingMime } from '../lib/mime-pending.ts'
import { toFailure } from '../lib/to-failure.ts'
import { openWithToken } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { HttpRequest, Io, OutboundMessage, SendOutcome } from '../provider.ts'
import type { Connection, Settings } from './account.ts'
import { toLogin, userUrl } from './login.ts'
import { toOutcome } from './outcome.ts'

/** Hands the whole message to Gmail as MIME. */
export async function sendByGmail(
  message: OutboundMessage,
  connection: Connection,
  tokens: Tokens,
  io: Io,
): Promise<SendOutcome> {
  const opened = await openWithToken(toLogin(connection, tokens), io)
  if ('failure' in opened) return toFailure(opened.failure.code, opened.failure.reason, opened.failure.waitMs)
  const mime = await buildPendingMime(message)
  return exchange(opened.io, toRequest(mime, connection.settings), toOutcome)
}

/**
 * By upload, which takes the bytes as they are; JSON would take them in base64, a third more:
 * https://developers.google.com/workspace/gmail/api/guides/uploads. Recipients are those in To, Cc and Bcc.
 */
function toRequest(mime: Buffer, settings: Settings): HttpRequest {
  return {
    method: 'POST',
    url: `${userUrl(settings, '/upload')}/messages/send?uploadType=media`,
    headers: { 'Content-Type': 'message/rfc822' },
    body: mime,
  }
}

import { toReason } from '../lib/answer.ts'
import { exchange, isNetworkFailure } from '../lib/http.ts'
import { toBase64Body } from '../lib/json-body.ts'
import { messageIdOf } from '../lib/mime.ts'
import { toFailure } from '../lib/to-failure.ts'
import { openWithToken } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { HttpRequest, Io, OutboundMessage, SendOutcome } from '../provider.ts'
import type { Connection } from './account.ts'
import { answerBytesFor, attachAll, needsSession } from './attach.ts'
import { takesSessions, toLogin, userUrl } from './login.ts'
import { type Draft, toDraft, toOutcome } from './outcome.ts'
import { type Parts, toParts } from './parts.ts'
import { createSteps, type Steps } from './steps.ts'

/**
 * The answer to a draft repeats the body, in JSON that may write each character as six, and answers over 1 MB are not read unless
 * they must be: a message that may come near that is sent without a draft, if it has no files that need one.
 */
const repeatedCharsMax = 150_000

// An id that stays when the message moves from Drafts to Sent Items:
// https://learn.microsoft.com/en-us/graph/outlook-immutable-id
const prefer = { Prefer: 'IdType="ImmutableId"' }

/** Hands the whole message to Graph as MIME: as a draft, which has an id and takes large files, and by the order to send that draft. */
export async function sendByMicrosoft365(
  message: OutboundMessage,
  connection: Connection,
  tokens: Tokens,
  plainIo: Io,
): Promise<SendOutcome> {
  const opened = await openWithToken(toLogin(connection, tokens), plainIo)
  if ('failure' in opened) return toFailure(opened.failure.code, opened.failure.reason, opened.failure.waitMs)
  const { io } = opened
  const url = userUrl(connection.settings)
  const parts = await toParts(message)
  if (parts.apart.length === 0 && bodyChars(message) > repeatedCharsMax)
    return exchange(io, await toMimeRequest(`${url}/sendMail`, parts.mime), (response, now) =>
      toOutcome(response, now, messageIdOf(message)),
    )
  if (parts.apart.some(needsSession) && !takesSessions(connection.settings))
    return toFailure('provider-cannot-express', 'this cloud of Microsoft takes no files of 3 MB and more')
  const steps = createSteps(io, plainIo)
  const draft = await createDraft(message, parts, url, steps)
  if ('kind' in draft) return draft
  const draftUrl = `${url}/messages/${encodeURIComponent(draft.id)}`
  const outcome =
    (await complete(draft, draftUrl, message, parts, steps)) ??
    (await sendDraft(io, draftUrl, draft.messageId))
  if (mayRemove(outcome)) await removeDraft(io, draftUrl)
  return outcome
}

/** Of the body, the draft repeats one form; which, a mail as its client wrote it does not tell. */
function bodyChars({ html, text, raw }: OutboundMessage): number {
  return raw ? raw.bytes.length : (html ?? text ?? '').length
}

/** https://learn.microsoft.com/en-us/graph/outlook-send-mime-message. Recipients are those in To, Cc and Bcc. */
async function toMimeRequest(url: string, mime: Buffer): Promise<HttpRequest> {
  return {
    method: 'POST',
    url,
    headers: { ...prefer, 'Content-Type': 'text/plain' },
    body: await toBase64Body(mime),
  }
}

async function createDraft(
  message: OutboundMessage,
  { mime, apart }: Parts,
  url: string,
  steps: Steps,
): Promise<Draft | SendOutcome> {
  const answerBytesMax = answerBytesFor(apart.length > 0 ? bodyChars(message) : 0)
  const answer = await steps.graph({ ...(await toMimeRequest(`${url}/messages`, mime)), answerBytesMax })
  return 'kind' in answer ? answer : toDraft(answer, steps.now())
}

/** Null once the draft is the whole message. */
async function complete(
  draft: Draft,
  draftUrl: string,
  message: OutboundMessage,
  { apart }: Parts,
  steps: Steps,
): Promise<SendOutcome | null> {
  if (!isWhole(draft, message))
    return toFailure('recipient-refused', 'the draft does not name all recipients of the message')
  return (await attachAll(apart, { url: draftUrl, headers: prefer }, steps)) ?? steps.ifLate()
}

/** Exchange may resolve an address to another one of the same person, but takes away none. */
function isWhole({ recipients }: Draft, { envelopeTo }: OutboundMessage): boolean {
  return recipients === undefined || recipients >= envelopeTo.length
}

/** The reason of an unknown outcome names the Message-ID, by which a person finds it in Drafts or in Sent Items. */
async function sendDraft(io: Io, draftUrl: string, messageId: string): Promise<SendOutcome> {
  const request = { method: 'POST', url: `${draftUrl}/send`, headers: prefer } as const
  const outcome = await exchange(io, request, (response, now) => toOutcome(response, now, messageId))
  return outcome.kind === 'unknown'
    ? { ...outcome, reason: toReason(`draft ${messageId}:`, outcome.reason) }
    : outcome
}

function mayRemove(outcome: SendOutcome): boolean {
  if (outcome.kind === 'accepted' || outcome.kind === 'unknown') return false
  return outcome.code !== 'provider-credentials-refused'
}

/** A draft that certainly was not sent would stay forever; a failed removal does not change the outcome of the message. */
async function removeDraft(io: Io, draftUrl: string): Promise<void> {
  try {
    await io.request({ method: 'DELETE', url: draftUrl, headers: prefer })
  } catch (error) {
    if (!isNetworkFailure(error)) throw error
  }
}

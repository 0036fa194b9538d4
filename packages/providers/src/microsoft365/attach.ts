import { parseAnswer } from '../lib/answer.ts'
import { partType } from '../lib/mime.ts'
import { Secret } from '../lib/secret.ts'
import { toFailure } from '../lib/to-failure.ts'
import { withoutToken } from '../oauth2/tokens.ts'
import type { HttpRequest, HttpResponse, OutboundAttachment, SendOutcome } from '../provider.ts'
import { toUnsent, toUnsentPiece } from './outcome.ts'
import type { Steps } from './steps.ts'

/** Below it a session is refused, from it on a single request: https://learn.microsoft.com/en-us/graph/outlook-large-attachments */
const sessionBytesMin = 3 * 1000 * 1000
/** Less than 4 MB, as that page asks, and a multiple of 320 KiB, as Graph's other uploads do. */
const pieceBytes = 12 * 320 * 1024

export type DraftPlace = { url: string; headers: Record<string, string> }

/** Whether a file can be added to a draft in pieces alone. */
export function needsSession({ content }: OutboundAttachment): boolean {
  return content.length >= sessionBytesMin
}

/** How long an answer may be that repeats something of ours: JSON may write each character as six. */
export function answerBytesFor(chars: number): number {
  return 1_000_000 + 6 * chars
}

/** Adds files to a draft, one after the other; null once all are there. */
export async function attachAll(
  files: OutboundAttachment[],
  draft: DraftPlace,
  steps: Steps,
): Promise<SendOutcome | null> {
  for (const file of files) {
    const failure = needsSession(file)
      ? await attachByPieces(file, draft, steps)
      : await attachAtOnce(file, draft, steps)
    if (failure) return failure
  }
  return null
}

/** https://learn.microsoft.com/en-us/graph/api/message-post-attachments; the answer repeats the file. */
async function attachAtOnce(
  file: OutboundAttachment,
  draft: DraftPlace,
  steps: Steps,
): Promise<SendOutcome | null> {
  const contentBytes = file.content.toString('base64')
  const request = toPost(draft, '', {
    '@odata.type': '#microsoft.graph.fileAttachment',
    ...describe(file),
    contentBytes,
  })
  const answer = await steps.graph({ ...request, answerBytesMax: answerBytesFor(contentBytes.length) })
  if ('kind' in answer) return answer
  return answer.status === 201 ? null : toUnsent(answer, steps.now())
}

/** https://learn.microsoft.com/en-us/graph/api/attachment-createuploadsession; the file is there when the last piece is answered by 201. */
async function attachByPieces(
  file: OutboundAttachment,
  draft: DraftPlace,
  steps: Steps,
): Promise<SendOutcome | null> {
  const { content } = file
  const item = { attachmentType: 'file', ...describe(file), size: content.length }
  const session = await steps.graph(toPost(draft, '/createUploadSession', { AttachmentItem: item }))
  if ('kind' in session) return session
  if (session.status >= 300) return toUnsent(session, steps.now())
  const url = findUploadUrl(session, draft)
  if (url === null) return toFailure('provider-unavailable', 'an upload session without a usable address')
  for (let from = 0; from < content.length; from += pieceBytes) {
    const piece = content.subarray(from, from + pieceBytes)
    const end = from + piece.length
    const answer = await steps.upload({
      method: 'PUT',
      url,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Range': `bytes ${from}-${end - 1}/${content.length}`,
      },
      body: piece,
    })
    if ('kind' in answer) return answer
    // The address permits writing to the mailbox, and reasons are read from this answer: leave it out.
    const body = Buffer.from(withoutToken(answer.body.toString(), new Secret(url)))
    if (answer.status !== (end === content.length ? 201 : 200))
      return toUnsentPiece({ ...answer, body }, steps.now())
  }
  return null
}

function toPost({ url, headers }: DraftPlace, path: string, body: object): HttpRequest {
  return {
    method: 'POST',
    url: `${url}/attachments${path}`,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }
}

function describe({ filename, contentType, disposition, contentId }: OutboundAttachment) {
  return {
    name: filename,
    contentType: partType(contentType),
    isInline: disposition === 'inline',
    ...(contentId !== undefined && { contentId }),
  }
}

/** Any address from Graph that the egress guard permits; but never with less encryption than Graph itself. */
function findUploadUrl(session: HttpResponse, draft: DraftPlace): string | null {
  const { uploadUrl } = parseAnswer(session.body)
  if (typeof uploadUrl !== 'string') return null
  const url = URL.parse(uploadUrl)
  if (!url || url.username || url.password || url.protocol !== new URL(draft.url).protocol) return null
  return uploadUrl
}

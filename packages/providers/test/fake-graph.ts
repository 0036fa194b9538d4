import { randomBytes } from 'node:crypto'
import { createMicrosoft365 } from '../src/microsoft365/index.ts'
import type { Io, OutboundAttachment, OutboundMessage } from '../src/provider.ts'
import { type Exchange, type HttpPeer, playHttp, respond } from './http-peer.ts'
import { buildOutboundMessage, createTestIo } from './io.ts'

type Answer = ReturnType<typeof respond>

export type File = {
  name: string
  contentType: string
  isInline: boolean
  contentId?: string
  content: Buffer
}

/** The content of the draft at a send request. */
export type SentDraft = { mime: string; files: File[] }

const user = '/v1.0/users/writer%40example.com'
const authToken = `eyJhbGciOiJSUzI1NiJ9.${'QWJj'.repeat(40)}`
/** As Graph does: a request holds 4 MiB, and a session is for more than 2 MiB. */
const requestBytesMax = 4 * 1024 * 1024
const sessionBytesMin = 2 * 1024 * 1024

export type FakeGraph = HttpPeer & {
  sent: SentDraft[]
  /** Drafts that were neither sent nor removed. */
  left(): number
  /** Opens a session of this size, for a client of another kind. */
  openSession(size: number): void
  /** The requests to Graph and to the upload host, in short. */
  asked(): string[]
  authToken: string
}

/** Graph as far as it is needed to put a draft together: what is not right, it refuses. `answer` may come between. */
export async function playGraph(
  answer: (exchange: Exchange) => Answer | undefined = () => undefined,
): Promise<FakeGraph> {
  const drafts = new Map<string, SentDraft>()
  const sessions = new Map<string, { draft: SentDraft; file: File; size: number }>()
  const sent: SentDraft[] = []
  let port = 0

  function toFile(given: Record<string, unknown>, content: Buffer): File {
    const { name, contentType, isInline, contentId } = given
    return {
      name: String(name),
      contentType: String(contentType),
      isInline: isInline === true,
      content,
      ...(typeof contentId === 'string' && { contentId }),
    }
  }

  function createDraft({ body }: Exchange): Answer {
    const id = `draft-${drafts.size + 1}`
    const mime = Buffer.from(body, 'base64').toString()
    drafts.set(id, { mime, files: [] })
    return respond(201, JSON.stringify({ id, internetMessageId: `<${id}@example.com>` }))
  }

  function addFile(draft: SentDraft, { body }: Exchange): Answer {
    const given = JSON.parse(body)
    draft.files.push(toFile(given, Buffer.from(given.contentBytes, 'base64')))
    // The answer repeats the file.
    return respond(201, JSON.stringify({ id: 'file-1', ...given }))
  }

  function createSession(draft: SentDraft, { body }: Exchange): Answer {
    const { AttachmentItem: item } = JSON.parse(body)
    if (item.size < sessionBytesMin)
      return respond(400, '{"error":{"code":"ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"}}')
    const id = `session-${sessions.size + 1}`
    sessions.set(id, { draft, file: toFile(item, Buffer.alloc(0)), size: item.size })
    const uploadUrl = `http://127.0.0.1:${port}/upload/AttachmentSessions('${id}')?authtoken=${authToken}`
    return respond(201, JSON.stringify({ uploadUrl, nextExpectedRanges: ['0-'] }))
  }

  function takePiece({ path, headers, bytes }: Exchange): Answer {
    const session = sessions.get(/'(session-\d+)'/.exec(path)?.[1] ?? '')
    if (!session || headers.authorization !== undefined) return respond(401, '')
    const { draft, file, size } = session
    const end = file.content.length + bytes.length
    if (headers['content-range'] !== `bytes ${file.content.length}-${end - 1}/${size}`)
      return respond(416, '')
    file.content = Buffer.concat([file.content, bytes])
    if (end < size) return respond(200, JSON.stringify({ nextExpectedRanges: [String(end)] }))
    draft.files.push(file)
    return respond(201, '', { 'content-type': 'text/plain' })
  }

  function ask(exchange: Exchange): Answer {
    const { method, path, bytes } = exchange
    if (path.endsWith('/token')) return respond(200, '{"access_token":"eyJ.token-of-a.test"}')
    if (path.includes('/upload/')) return takePiece(exchange)
    if (exchange.headers.authorization !== 'Bearer eyJ.token-of-a.test') return respond(401, '')
    if (bytes.length > requestBytesMax) return respond(413, '')
    if (method === 'POST' && path === `${user}/messages`) return createDraft(exchange)
    const [, id = '', rest] = /\/messages\/([^/]+)(.*)$/.exec(path) ?? []
    const draft = drafts.get(id)
    if (!draft) return respond(404, '{"error":{"code":"ErrorItemNotFound"}}')
    if (method === 'DELETE') return respond(drafts.delete(id) ? 204 : 404, '')
    if (rest === '/attachments') return addFile(draft, exchange)
    if (rest === '/attachments/createUploadSession') return createSession(draft, exchange)
    sent.push(draft)
    drafts.delete(id)
    return respond(202, '')
  }

  const peer = await playHttp((response, exchange) => (answer(exchange) ?? ask(exchange))(response, exchange))
  port = peer.port
  return {
    ...peer,
    sent,
    authToken,
    left: () => drafts.size,
    openSession(size) {
      const file = toFile({ name: 'other' }, Buffer.alloc(0))
      sessions.set(`session-${sessions.size + 1}`, { draft: { mime: '', files: [] }, file, size })
    },
    asked: () =>
      peer.got
        .filter(({ path }) => !path.endsWith('/token'))
        .map(({ method, path }) => `${method} ${path.replace(user, '').replace(/\?.*/, '')}`),
  }
}

/** The adapter before a fake Graph; `io` replaces parts of the egress. */
export async function startSending(
  options: { answer?: (exchange: Exchange) => Answer | undefined; timeoutMs?: number; io?: Partial<Io> } = {},
) {
  const graph = await playGraph(options.answer)
  const io = createTestIo(options.timeoutMs)
  const microsoft365 = createMicrosoft365()
  const connectionTo = (settings: object) => ({
    id: 'con_1',
    credentials: microsoft365.credentials.parse({ client_id: 'app-1', client_secret: 'secret-1' }),
    settings: microsoft365.settings.parse({
      tenant: 'contoso.example',
      user: 'writer@example.com',
      base_url: `http://127.0.0.1:${graph.port}`,
      login_url: `http://127.0.0.1:${graph.port}`,
      ...settings,
    }),
  })
  return {
    graph,
    send: (message: OutboundMessage, settings = {}) =>
      microsoft365.send(message, connectionTo(settings), { ...io, ...options.io }),
    async close(): Promise<void> {
      await io.close()
      await graph.close()
    },
  }
}

export function buildFile(filename: string, bytes: number, changes: Partial<OutboundAttachment> = {}) {
  const content = randomBytes(bytes)
  return { filename, contentType: 'application/pdf', disposition: 'attachment' as const, content, ...changes }
}

export function withFiles(...attachments: OutboundAttachment[]): OutboundMessage {
  return buildOutboundMessage({ attachments })
}

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { HttpResponse } from '../src/provider.ts'
import type { Behaviour, Peer } from './conformance.ts'

/** One request as a fake got it. */
export type Exchange = {
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** As text (UTF-8), and as it came. */
  body: string
  bytes: Buffer
}
export type HttpPeer = Peer & { got: Exchange[] }
export type Answer = (response: ServerResponse, exchange: Exchange) => void

/** A fake of an HTTP provider: keeps what it got, and answers by the given function. */
export async function playHttp(answer: Answer): Promise<HttpPeer> {
  const got: Exchange[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url: path = '', headers } = request
    const bytes = Buffer.concat(chunks)
    const exchange = { method, path, headers, body: bytes.toString(), bytes }
    got.push(exchange)
    answer(response, exchange)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    got,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An answer, as JSON unless its headers say otherwise. */
export function respond(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  }
}

/** An answer as an adapter gets it; what is no text is written as JSON. */
export function answered(status: number, body: unknown, headers: HttpResponse['headers'] = {}): HttpResponse {
  return { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
}

/** The behaviours of conformance.ts for a provider over HTTP, from the answers that are its own. */
export function playBehaviour(own: {
  accepts: Answer
  refusesCredentials: Answer
  asksToWait: Answer
  /** Answers what comes before the message (a token, a draft); the fault applies to the message itself. */
  before?: (exchange: Exchange) => Answer | undefined
}): (behaviour: Behaviour) => Promise<HttpPeer> {
  const answers: Record<Behaviour, Answer> = {
    accepts: own.accepts,
    'refuses the credentials': own.refusesCredentials,
    'asks to wait': own.asksToWait,
    'never answers the message': () => {},
    'hangs up after the message': (response) => void response.socket?.destroy(),
    'answers the message with garbage': respond(200, '<html>ok</html>'),
    'answers the message without end': respond(200, `{"id":"${'x'.repeat(3_000_000)}"}`),
  }
  return (behaviour) =>
    playHttp((response, exchange) => (own.before?.(exchange) ?? answers[behaviour])(response, exchange))
}

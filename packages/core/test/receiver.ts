import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Got = { path: string; headers: Record<string, string>; text: string }
type Answer = (response: ServerResponse, got: Got) => void

/** A receiver of callbacks behind a real socket; the answer can be changed. Any address of 127/8 leads to it. */
export async function openReceiver(host = '0.0.0.0') {
  const got: Got[] = []
  const state: { answer: Answer } = { answer: (response) => void response.writeHead(200).end('thanks') }
  const server: Server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    const one = { path: request.url ?? '', headers, text: Buffer.concat(chunks).toString() }
    got.push(one)
    state.answer(response, one)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    got,
    state,
    url: `http://127.0.0.1:${port}`,
    close(): Promise<unknown> {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

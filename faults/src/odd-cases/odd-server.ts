import { once } from 'node:events'
import { createServer } from 'node:http'

/** The answer to every request. */
export type OddAnswer = { status: number; body: string; contentType?: string }

export type OddServer = AsyncDisposable & {
  url: string
  /** By the end of a path; the first that fits wins. */
  answers(rules: [pathEnd: string, answer: OddAnswer][]): void
}

const USUAL: OddAnswer = { status: 500, body: '{"message":"not now"}' }

/** An HTTP server that reads every request to its end and gives the answers of the test: the provider of the odd tenant. */
export async function startOddServer(): Promise<OddServer> {
  let rules: [string, OddAnswer][] = []
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/'
    const {
      status,
      body,
      contentType = 'application/json',
    } = rules.find(([end]) => path.endsWith(end))?.[1] ?? USUAL
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': contentType }).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    answers(given) {
      rules = given
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

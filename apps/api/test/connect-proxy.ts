import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { testTls } from '@lettergate/egress/test/listen'

/** A host of the certificate that no DNS knows: only the proxy leads there. */
export const HOST_BEHIND_PROXY = 'api.mail.test'

export type ConnectProxy = {
  /** For HTTPS_PROXY. */
  url: string
  /** The server behind it, as clients of the proxy call it. */
  targetUrl: string
  certificate: string
  /** What was asked for by CONNECT. */
  asked: string[]
  close(): Promise<void>
}

function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** Joins two sockets; the end or error of one ends the other. */
function join(left: Socket, right: Socket): void {
  left.pipe(right).pipe(left)
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}

/** A plain HTTP proxy, as firewalls of companies have it, with a TLS server behind it that leads to `url`. */
export async function startConnectProxy(url: string): Promise<ConnectProxy> {
  const { hostname, port } = new URL(url)
  const asked: string[] = []
  const tls = createTlsServer(testTls, (socket) => join(socket, connect(Number(port), hostname)))
  const proxy = createServer((_request, response) => response.writeHead(405).end())
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
  const tlsPort = portOf(tls)
  proxy.on('connect', (request, socket: Socket) => {
    asked.push(request.url ?? '')
    const target = connect(tlsPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      join(socket, target)
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${portOf(proxy)}`,
    targetUrl: `https://${HOST_BEHIND_PROXY}:${tlsPort}`,
    certificate: testTls.cert,
    asked,
    async close() {
      proxy.closeAllConnections()
      await Promise.all([proxy, tls].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'

/** A self-signed certificate for mail.test and its throwaway key, good until 2126. */
export const testTls = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIYA6sNW9L/Jld/hu
dHo8odeGCgT+Q2N8lzGnQ1s1Xn2hRANCAARvGXZpecYhCb37ha0wDYIOHeOrUnFL
/Pz9x/jpgAE9vNm0Ly+kxagAoIzzHWEtF31CIwJYCX8lwZ4A2Hih+wl9
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBpDCCAUqgAwIBAgIUQykpEyyN+BG30XH9zLOG/LbauoUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbWFpbC50ZXN0MCAXDTI2MTEyMDExMjExN1oYDzIxMjYxMDI3
MTEyMTE3WjAUMRIwEAYDVQQDDAltYWlsLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARvGXZpecYhCb37ha0wDYIOHeOrUnFL/Pz9x/jpgAE9vNm0Ly+kxagA
oIzzHWEtF31CIwJYCX8lwZ4A2Hih+wl9o3gwdjAdBgNVHQ4EFgQU/hy5yuL5cFhz
kqjPvTSOLhOyKAswHwYDVR0jBBgwFoAU/hy5yuL5cFhzkqjPvTSOLhOyKAswDwYD
VR0TAQH/BAUwAwEB/zAjBgNVHREEHDAaggltYWlsLnRlc3SCDWFwaS5tYWlsLnRl
c3QwCgYIKoZIzj0EAwIDSAAwRQIgUJzqmy75ymKwkQtCyI0emv5UsTSd51t/DdM6
iZa0CzwCIQDDQh6UFq2KAbgwGksSiepNrL0SDH6OMJZb/Bru7WffHA==
-----END CERTIFICATE-----
`,
}

export type TestServer = {
  port: number
  connections(): number
  close(): Promise<void>
}

/** A raw TCP (or TLS) server on a free port, or on the given one, that counts who came. */
export async function listen(
  onSocket: (socket: Socket) => void,
  options: { host?: string; port?: number; tls?: boolean } = {},
): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server | TlsServer = options.tls ? createTlsServer(testTls) : createServer()
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on(options.tls ? 'secureConnection' : 'connection', onSocket)
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    connections: () => connections,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { freePort } from './ports.ts'

/** Self-signed for 127.0.0.1, with its throwaway key, valid until 2126: no client trusts it. */
const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdRgo35mrvNXqgtWe
wmoS0Fe24fMs4QA5LASCrqfyeRqhRANCAAR2yD8i0S15NvOHzbcq5dG+1nU6qIb4
2Yh9AT4XndDpBl9aeirNABQNanbiTssR3t86qVDPIU+gt1UsIQAiO1nX
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUQabi3JY8rjLfoRYVnelyZxl+XoQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMDE0Mjk1NloYDzIxMjYxMDI3
MTQyOTU2WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR2yD8i0S15NvOHzbcq5dG+1nU6qIb42Yh9AT4XndDpBl9aeirNABQN
anbiTssR3t86qVDPIU+gt1UsIQAiO1nXo2QwYjAdBgNVHQ4EFgQULsrp30vB6/B0
iBsmt7fQNDwc6XkwHwYDVR0jBBgwFoAULsrp30vB6/B0iBsmt7fQNDwc6XkwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IG1qb7q64BreO3Mp1YRNgrkuJypc3qZDslpsYWY9rgZcAiARkIu6dK4Y3G1DQnGG
PiaJURmABWbeC+MHhaeQBDgOSQ==
-----END CERTIFICATE-----
`,
}

/** A name that the DNS does not know: https://www.rfc-editor.org/rfc/rfc6761#section-6.4 */
const NOWHERE = 'gone.invalid'

/**
 * NODE_OPTIONS of a process in which the DNS knows nothing of `gone.invalid`. Real name servers give the same
 * answer, but a fault test uses none.
 */
export const NO_SUCH_NAME = `--import=data:text/javascript,${encodeURIComponent(`
import { promises } from 'node:dns'
const { prototype } = promises.Resolver
for (const method of ['resolve4', 'resolve6']) {
  const resolve = prototype[method]
  prototype[method] = function (name) {
    if (name !== '${NOWHERE}') return resolve.call(this, name)
    return Promise.reject(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }))
  }
}`)}`

export type BrokenPlaces = AsyncDisposable & {
  /** Where no exchange can begin, by what is wrong there. */
  unreachable: Record<'refused' | 'nameless' | 'plain' | 'untrusted' | 'slammed', string>
  /** Takes a connection and resets it before it reads a byte; the bytes that were written to it by then are unknown. */
  resets: string
  /** Requests that came through all the same. */
  requests(): number
}

/** Addresses at which there is no provider, each for another reason. */
export async function startBrokenPlaces(): Promise<BrokenPlaces> {
  let requests = 0
  const servers = {
    plain: createServer((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ),
    untrusted: createTlsServer(SELF_SIGNED, (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        requests += 1
      })
    }),
    resets: createServer((socket) => socket.on('error', () => undefined).resetAndDestroy()),
  }
  servers.untrusted.on('tlsClientError', () => undefined)
  const [plain, untrusted, resets] = [
    await listen(servers.plain),
    await listen(servers.untrusted),
    await listen(servers.resets),
  ]
  return {
    unreachable: {
      refused: `http://127.0.0.1:${await freePort()}`,
      nameless: `https://${NOWHERE}`,
      plain: `https://127.0.0.1:${plain}`,
      untrusted: `https://127.0.0.1:${untrusted}`,
      slammed: `https://127.0.0.1:${resets}`,
    },
    resets: `http://127.0.0.1:${resets}`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      for (const server of Object.values(servers)) server.close()
    },
  }
}

function listen(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address && typeof address === 'object') resolve(address.port)
    else reject(new Error('no port'))
  })
  return promise
}

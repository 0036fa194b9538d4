import { connect } from 'node:net'

export type SlowKind = 'silent' | 'slow headers' | 'slow body'

export type SlowEnd = {
  kind: SlowKind
  /** How long the server put up with it; undefined: it was still open when the time was over. */
  closedAfterMs: number | undefined
  /** Of the answer, if there was one. */
  status: number | undefined
}

const DRIP_MS = 1_000

/** A client that holds a connection and says as little as it can: nothing, or one byte a second. */
export function dawdle(
  target: { port: number; apiKey: string },
  kind: SlowKind,
  giveUpMs: number,
): Promise<SlowEnd> {
  const { promise, resolve } = Promise.withResolvers<SlowEnd>()
  const head =
    'POST /v1/send HTTP/1.1\r\nhost: 127.0.0.1\r\n' +
    `authorization: Bearer ${target.apiKey}\r\ncontent-type: application/json\r\n`
  const start = performance.now()
  let text = ''
  const socket = connect({ host: '127.0.0.1', port: target.port })
  socket.on('connect', () => {
    if (kind === 'slow headers') socket.write(`${head}x-slow: `)
    if (kind === 'slow body') socket.write(`${head}content-length: 10000\r\n\r\n{"text":"`)
  })
  const drip = setInterval(() => {
    if (kind !== 'silent' && socket.writable) socket.write('a')
  }, DRIP_MS)
  const end = (closedAfterMs: number | undefined) => {
    clearInterval(drip)
    clearTimeout(timer)
    socket.destroy()
    const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
    resolve({ kind, closedAfterMs, status: status === undefined ? undefined : Number(status) })
  }
  const timer = setTimeout(() => end(undefined), giveUpMs)
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  // The server has ended it when its last byte is here; what comes after that is ours.
  socket.on('end', () => end(performance.now() - start))
  socket.on('close', () => end(performance.now() - start))
  return promise
}

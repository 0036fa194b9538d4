import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type RawAnswer = { status: number; fields: Map<string, string>; body: string }

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const fields = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  )
  return { status: Number(first.split(' ')[1]), fields, body: rest.join('\r\n\r\n') }
}

function isWhole(text: string): boolean {
  const { fields, body } = parse(text)
  return (
    text.includes('\r\n\r\n') &&
    Buffer.byteLength(body, 'latin1') >= Number(fields.get('content-length') ?? 0)
  )
}

/**
 * Writes bytes to a server, in the given pieces, and reads one answer: what no HTTP client would send. Rejects if the
 * connection ends without an answer.
 */
export async function exchangeRaw(url: string, pieces: (string | Buffer)[], pauseMs = 5): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  const answered = new Promise<RawAnswer>((resolve, reject) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (isWhole(text)) resolve(parse(text))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after: ${text.slice(0, 100)}`)))
  })
  answered.catch(() => {})
  try {
    for (const piece of pieces) {
      if (socket.destroyed || text !== '') break
      socket.write(piece)
      if (pieces.length > 1) await sleep(pauseMs)
    }
    return await answered
  } finally {
    socket.destroy()
  }
}

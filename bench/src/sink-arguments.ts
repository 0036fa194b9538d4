import type { Example, WireAnswer } from '@lettergate/providers/test/example'

/** The arguments of `answering-sink-main.ts`: its answers to a provider's requests, by the ends of their paths. */
export function toSinkArguments({ before = {}, accepts }: Example): string[] {
  return Object.entries({ ...before, '': accepts }).map(
    ([pathEnd, answer]) => `${pathEnd} ${toWire(answer).toString('base64')}`,
  )
}

function toWire({ status = '200 OK', headers = [], body }: WireAnswer): Buffer {
  const content = body === '' ? '' : JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(content)}`,
    ...headers,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${content}`)
}

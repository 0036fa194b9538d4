import { type AddressInfo, createServer } from 'node:net'
import { createRequestReader } from './read-requests.ts'

/*
 * Answers as a provider that accepts, in a process of its own, so that what a request costs its sender is not mixed with what
 * the answer costs. Arguments: the end of a path, a space, and the answer as bytes of HTTP in base64; the first that fits is given.
 */
const answers = process.argv.slice(2).map((argument) => {
  const [pathEnd = '', bytes = ''] = argument.split(' ')
  return { pathEnd, bytes: Buffer.from(bytes, 'base64') }
})

function answerTo(head: string): Buffer {
  const [, path = ''] = head.split(' ', 2)
  const answer = answers.find(({ pathEnd }) => path.endsWith(pathEnd))
  if (!answer) throw new Error(`no answer to ${path}`)
  return answer.bytes
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.on(
    'data',
    createRequestReader((_body, head) => socket.write(answerTo(head))),
  )
})
process.once('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

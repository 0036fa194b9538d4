import { type AddressInfo, createServer } from 'node:net'
import { createRequestReader } from './read-requests.ts'

/*
 * Gives every request the same answer, in a process of its own, so that what a request costs its sender is not mixed with what
 * the answer costs. Argument: the answer as bytes of HTTP, in base64.
 */
const answer = Buffer.from(process.argv[2] ?? '', 'base64')

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.on(
    'data',
    createRequestReader(() => socket.write(answer)),
  )
})
process.once('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

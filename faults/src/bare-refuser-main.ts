import { type AddressInfo, createServer } from 'node:net'

/*
 * Refuses every request, unread: what overload costs a machine even if refusing were free. Argument: how many bytes a request has;
 * all have the same. Ends with the process that started it.
 */
const requestBytes = Number(process.argv[2])
const refusal = Buffer.from('HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n')

const server = createServer({ noDelay: true }, (socket) => {
  let received = 0
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    for (received += chunk.length; received >= requestBytes; received -= requestBytes) socket.write(refusal)
  })
})
process.once('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  const address: AddressInfo | string | null = server.address()
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port })
})

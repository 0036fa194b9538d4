import { type AddressInfo, createServer } from 'node:net'
import { createRequestReader } from './read-requests.ts'

/*
 * Answers calls with 204, counts them, and keeps how old their events were. A path of /hang is answered after 30 seconds. Ends with its
 * parent.
 */

export type CallbackReport = { calls: number; agesMs: number[] }
export type CallbackQuestion = { reset: boolean }

const HANG_MS = 30_000
const AT = /"at":"([^"]+)"/
const ANSWER = 'HTTP/1.1 204 No Content\r\n\r\n'
let report: CallbackReport = { calls: 0, agesMs: [] }

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined)
  socket.on(
    'data',
    createRequestReader((body, head) => {
      if (head.startsWith('POST /hang')) {
        setTimeout(() => socket.writable && socket.write(ANSWER), HANG_MS).unref()
        return
      }
      report.calls++
      const at = AT.exec(body.toString('latin1'))?.[1]
      if (at !== undefined) report.agesMs.push(Date.now() - Date.parse(at))
      socket.write(ANSWER, 'latin1')
    }),
  )
})

process.on('message', ({ reset }: CallbackQuestion) => {
  process.send?.(report)
  if (reset) report = { calls: 0, agesMs: [] }
})
process.once('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

import { Server } from 'node:net'
import { constants, setPriority } from 'node:os'
import { BACKLOG } from './door.ts'
import { createRefusals } from './refusal.ts'
import { createRefusing } from './refuse-connections.ts'
import type { FromRefuser, ToRefuser } from './refuser.ts'

const REPORT_MS = 100
/** For what is under way when the api ends; the port is free at once. */
const FINISH_MS = 500

/*
 * Refuses sends while the api has more than it can store, in a process of its own: see refuser.ts, which starts it and ends it. It
 * holds no secret and reads no setting. Argument: where the api takes the connections that are not refused.
 */
const [, , path = ''] = process.argv
const refusing = createRefusing({ path, refusal: createRefusals() })
let listening: Server[] = []
let told = 0

function tell(message: FromRefuser, handle?: Server): void {
  // That nobody hears it any more is told by 'disconnect'.
  if (process.connected) process.send?.(message, handle, undefined, () => undefined)
}

function stopListening(): void {
  for (const server of listening) server.close()
  listening = []
}

function report(): void {
  const refused = refusing.refused()
  if (listening.length > 0 || refused > told) tell({ kind: 'refused', sends: refused - told })
  told = refused
}

process.on('message', (message: ToRefuser, handle: unknown) => {
  if (message.kind === 'room') refusing.setRoom(message.sends)
  else if (message.kind === 'rest') {
    refusing.rest()
    tell({ kind: 'rests' }, listening[0])
    stopListening()
  } else if (handle instanceof Server) {
    refusing.begin()
    // As the api takes them: the one that came asks for fewer waiting connections, and ends those that are half closed.
    const server = new Server({ allowHalfOpen: true, noDelay: true }, refusing.take)
    listening.push(server)
    server.listen(handle, BACKLOG, () => tell({ kind: 'listening' }))
  }
})
// The api's end is ours, and it alone decides when: signals to the whole group are for the api.
process.once('disconnect', () => {
  stopListening()
  setTimeout(() => process.exit(0), FINISH_MS)
  void refusing.finish().then(() => process.exit(0))
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined)
// Accepting comes first where there are fewer cores than processes.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
setInterval(report, REPORT_MS)
tell({ kind: 'ready' })

import type { ConnectionFilter } from './tcp-proxy.ts'

/** Cuts a connection to Postgres where nobody can tell what happened: after a commit, before its answer. */
export type CommitCut = {
  /** For startTcpProxy. */
  filter: () => ConnectionFilter
  /** Cuts at the next so many commits of that statement. */
  arm(times: number): void
  /** How often it has cut. */
  cuts(): number
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
type WireMessage = { type: string; body: Buffer }
const HEAD_BYTES = 5
const STARTUP_HEAD_BYTES = 4

/** `statement`: the name of a prepared statement. Where a transaction is open, the cut waits for its commit. */
export function createCommitCut(statement: string): CommitCut {
  let left = 0
  let cuts = 0
  return {
    arm(times) {
      left = times
    },
    cuts: () => cuts,
    filter() {
      const asked = createSplitter(true)
      const answered = createSplitter(false)
      let isDoomed = false
      let hasFailed = false
      let held: Buffer[] = []
      const release = () => Buffer.concat(held.splice(0))
      return (way, piece) => {
        if (way === 'up') {
          if (asked(piece).some((message) => binds(message, statement)) && left > 0) isDoomed = true
          return piece
        }
        const messages = answered(piece)
        if (!isDoomed) return piece
        held.push(piece)
        hasFailed ||= messages.some(({ type }) => type === 'E')
        const ready = messages.findLast(({ type }) => type === 'Z')
        if (!ready) return Buffer.alloc(0)
        const isInTransaction = ready.body.toString('latin1') !== 'I'
        if (isInTransaction) return release()
        isDoomed = false
        if (hasFailed || left === 0) {
          hasFailed = false
          return release()
        }
        left -= 1
        cuts += 1
        held = []
        return 'cut'
      }
    },
  }
}

/** Bind: the name of a portal, then that of the statement. */
function binds({ type, body }: WireMessage, statement: string): boolean {
  if (type !== 'B') return false
  const start = body.indexOf(0) + 1
  return body.toString('latin1', start, body.indexOf(0, start)) === statement
}

/** Gathers pieces to whole messages; what a client says first has no type. */
function createSplitter(startsUntyped: boolean): (piece: Buffer) => WireMessage[] {
  let isStart = startsUntyped
  let rest: Buffer = Buffer.alloc(0)
  return (piece) => {
    rest = Buffer.concat([rest, piece])
    const messages: WireMessage[] = []
    for (;;) {
      const head = isStart ? STARTUP_HEAD_BYTES : HEAD_BYTES
      if (rest.length < head) return messages
      // A message's length counts itself, not its type.
      const end = rest.readInt32BE(head - 4) + head - 4
      if (rest.length < end) return messages
      if (!isStart)
        messages.push({ type: rest.toString('latin1', 0, 1), body: rest.subarray(HEAD_BYTES, end) })
      isStart = false
      rest = rest.subarray(end)
    }
  }
}

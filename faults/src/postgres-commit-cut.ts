import type { ConnectionFilter } from './tcp-proxy.ts'

/** Cuts a connection to Postgres where the result is unknown to both sides: after a commit, before its answer. */
export type CommitCut = {
  /** For startTcpProxy. */
  filter: () => ConnectionFilter
  /** Cuts at this number of next commits of that statement. */
  arm(times: number): void
  /** How often it has cut. */
  cuts(): number
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
type WireMessage = { type: string; body: Buffer }
const HEAD_BYTES = 5
const STARTUP_HEAD_BYTES = 4

/** `statement`: found in a prepared statement's name, a blank and its text. Where a transaction is open, the cut waits for its commit. */
export function createCommitCut(statement: RegExp): CommitCut {
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
      const prepared = new Set<string>()
      let isDoomed = false
      let hasFailed = false
      let held: Buffer[] = []
      const release = () => Buffer.concat(held.splice(0))
      return (way, piece) => {
        if (way === 'up') {
          if (asks(asked(piece), statement, prepared) && left > 0) isDoomed = true
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

/** Whether one of the messages runs the statement; notes under which names it is prepared. */
function asks(messages: WireMessage[], statement: RegExp, prepared: Set<string>): boolean {
  let isAsked = false
  for (const { type, body } of messages) {
    // Parse: the statement's name and text; Bind: the portal's name and the statement's.
    if (type !== 'P' && type !== 'B') continue
    const end = body.indexOf(0)
    const one = body.toString('latin1', 0, end)
    const other = body.toString('latin1', end + 1, body.indexOf(0, end + 1))
    if (type === 'B') isAsked ||= prepared.has(other)
    else if (statement.test(`${one} ${other}`)) prepared.add(one)
    else prepared.delete(one)
  }
  return isAsked
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

import type { Socket } from 'node:net'

/** One direction of a proxied connection. */
export type Pipe = {
  /** Forwards nothing and reads nothing more, not even the end of the other side. */
  freeze(): void
  thaw(): void
  /** Loses everything from now on; continues to read, so that the writer notices nothing. */
  mute(): void
}

export type PipeOptions = {
  latencyMs(): number
  /** The connection is cut after this number of forwarded bytes; the remaining bytes of that piece are lost. */
  bytesMax: number | undefined
  /** The result for a piece: itself, more or less of it, or the end of the connection. */
  filter(piece: Buffer): Buffer | 'cut'
  cut(): void
}

/** Carries what `from` says to `to`, in order, each piece as late as the latency at its arrival says. */
export function createPipe(from: Socket, to: Socket, options: PipeOptions): Pipe {
  /** Null: the end of the connection. */
  const waiting: { piece: Buffer | null; dueAt: number }[] = []
  let passed = 0
  let frozen = false
  let muted = false
  let timer: NodeJS.Timeout | undefined

  function pass(piece: Buffer): void {
    const room = (options.bytesMax ?? Number.POSITIVE_INFINITY) - passed
    passed += piece.length
    const isRead = to.write(piece.length > room ? piece.subarray(0, room) : piece, () => {
      // Only when the kernel has it: a reset throws away what is still in our own buffer.
      if (piece.length >= room) options.cut()
    })
    if (isRead) return
    from.pause()
    to.once('drain', () => {
      if (!frozen) from.resume()
    })
  }

  function pump(): void {
    clearTimeout(timer)
    for (let next = waiting[0]; next !== undefined && !frozen && !muted; next = waiting[0]) {
      const earlyMs = next.dueAt - performance.now()
      if (earlyMs > 0) {
        timer = setTimeout(pump, earlyMs)
        return
      }
      waiting.shift()
      if (next.piece === null) to.end()
      else if (to.writable) pass(next.piece)
    }
  }

  function take(piece: Buffer | null): void {
    if (muted) return
    waiting.push({ piece, dueAt: performance.now() + options.latencyMs() })
    pump()
  }

  from.on('data', (piece: Buffer) => {
    const filtered = options.filter(piece)
    if (filtered === 'cut') options.cut()
    else if (filtered.length > 0) take(filtered)
  })
  from.once('end', () => take(null))
  from.once('close', () => clearTimeout(timer))
  return {
    freeze() {
      frozen = true
      from.pause()
    },
    thaw() {
      frozen = false
      from.resume()
      pump()
    },
    mute() {
      muted = true
      waiting.length = 0
      from.resume()
    },
  }
}

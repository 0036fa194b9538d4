import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './ports.ts'
import { createPipe, type Pipe } from './tcp-proxy-pipe.ts'

/** From the client to the target, or back. */
export type Way = 'up' | 'down'

/** Sees everything that one connection carries, before it is passed on. */
export type ConnectionFilter = (way: Way, piece: Buffer) => Buffer | 'cut'

export type TcpProxy = AsyncDisposable & {
  port: number
  /** Open at present. */
  connections(): number
  /** Delays every piece by this time, on all connections, from now on. */
  latency(ms: Partial<Record<Way, number>>): void
  /** Resets each connection that is opened from now on, after this number of bytes in that direction; `{}` ends that. */
  cutAfter(bytes: Partial<Record<Way, number>>): void
  /** Resets all connections now. */
  reset(): void
  /** All connections stay open and carry nothing; the end of one is not forwarded, and a new one gets no further. */
  freeze(): void
  thaw(): void
  /**
   * Connections stay open and lose everything, for good: as when a host vanishes or a firewall forgets them. Of those that are
   * open now; with `isLasting` of new ones too, until `carryNew`.
   */
  silence(options?: Silence): void
  carryNew(): void
  /** New connections are refused; open ones live on. */
  refuse(): void
  /** Takes new connections again. */
  accept(): Promise<void>
}

export type Silence = {
  /** Both when absent. */
  ways?: readonly Way[]
  /** Which of the connections that are open now, by their order; all when absent. */
  of?: (index: number) => boolean
  isLasting?: boolean
}

const LOOPBACK = '127.0.0.1'
const BOTH: readonly Way[] = ['up', 'down']

/** A TCP proxy on loopback that breaks connections on request. */
export async function startTcpProxy(options: {
  /** A port on loopback. */
  target: number
  /** Created for each connection. */
  filter?: () => ConnectionFilter
}): Promise<TcpProxy> {
  const port = await freePort()
  const links = new Set<Link>()
  let latencyMs: Partial<Record<Way, number>> = {}
  let bytesMax: Partial<Record<Way, number>> = {}
  let frozen = false
  let mutedWays: readonly Way[] = []

  function link(client: Socket): void {
    const target = connect({ host: LOOPBACK, port: options.target, allowHalfOpen: true, noDelay: true })
    const filter = options.filter?.() ?? ((_way: Way, piece: Buffer) => piece)
    const cut = () => {
      client.resetAndDestroy()
      target.resetAndDestroy()
    }
    const pipe = (way: Way, from: Socket, to: Socket) =>
      createPipe(from, to, {
        latencyMs: () => latencyMs[way] ?? 0,
        bytesMax: bytesMax[way],
        filter: (piece) => filter(way, piece),
        cut,
      })
    const made: Link = { cut, pipes: { up: pipe('up', client, target), down: pipe('down', target, client) } }
    links.add(made)
    // A connection that fails on one side fails on the other.
    for (const socket of [client, target]) socket.once('error', cut)
    client.once('close', () => links.delete(made))
    if (frozen) for (const each of Object.values(made.pipes)) each.freeze()
    for (const way of mutedWays) made.pipes[way].mute()
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, link)
  const listen = async () => {
    server.listen(port, LOOPBACK)
    await once(server, 'listening')
  }
  await listen()
  const reset = () => {
    for (const each of links) each.cut()
  }
  const freezeAll = (change: 'freeze' | 'thaw') => {
    frozen = change === 'freeze'
    for (const each of links) for (const pipe of Object.values(each.pipes)) pipe[change]()
  }
  return {
    port,
    connections: () => links.size,
    latency(ms) {
      latencyMs = ms
    },
    cutAfter(bytes) {
      bytesMax = bytes
    },
    reset,
    freeze: () => freezeAll('freeze'),
    thaw: () => freezeAll('thaw'),
    silence({ ways = BOTH, of = () => true, isLasting = false } = {}) {
      for (const [index, { pipes }] of [...links].entries()) {
        if (of(index)) for (const way of ways) pipes[way].mute()
      }
      if (isLasting) mutedWays = ways
    },
    carryNew() {
      mutedWays = []
    },
    refuse: () => void server.close(),
    accept: listen,
    async [Symbol.asyncDispose]() {
      if (server.listening) server.close()
      reset()
    },
  }
}

type Link = { cut(): void; pipes: Record<Way, Pipe> }

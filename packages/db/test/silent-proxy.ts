import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy before a database, and can make connections carry nothing without closing them. */
export type SilentProxy = {
  /** The database as reached through it. */
  url: string
  /** Of present connections; of later ones too where `isLasting`. */
  silence(options?: { up?: boolean; down?: boolean; isLasting?: boolean }): void
  /** New connections are carried again; those that were silenced stay so. */
  carryNew(): void
  connections(): number
  close(): Promise<void>
}

type Direction = { from: Socket; to: Socket }

/** A TCP proxy on loopback; what it swallows is lost. */
export async function startSilentProxy(databaseUrl: string): Promise<SilentProxy> {
  const target = new URL(databaseUrl)
  const links = new Set<{ up: Direction; down: Direction }>()
  const ways = { up: false, down: false }
  const mute = ({ from, to }: Direction) => {
    from.unpipe(to)
    from.resume()
  }
  const server = createServer((client) => {
    const backend = connect(Number(target.port), target.hostname)
    const link = { up: { from: client, to: backend }, down: { from: backend, to: client } }
    links.add(link)
    client.once('close', () => {
      links.delete(link)
      backend.destroy()
    })
    backend.once('close', () => client.destroy())
    for (const socket of [client, backend]) socket.on('error', () => undefined)
    for (const way of ['up', 'down'] as const) {
      if (ways[way]) mute(link[way])
      else link[way].from.pipe(link[way].to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    silence({ up = true, down = true, isLasting = false } = {}) {
      for (const link of links) {
        if (up) mute(link.up)
        if (down) mute(link.down)
      }
      if (isLasting) Object.assign(ways, { up, down })
    },
    carryNew: () => void Object.assign(ways, { up: false, down: false }),
    connections: () => links.size,
    async close() {
      for (const { up } of links) up.from.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

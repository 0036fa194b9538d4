import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { canonicalHost } from './canonical-host.ts'
import { inNetwork, type Network } from './public-address.ts'

type Entry = ({ name: string } | { network: Network }) & { port: number | undefined }

/** Targets permitted by the operator besides the public internet, on any port unless an entry names one. */
export type AllowList = {
  permitsName(name: string, port: number): boolean
  permitsAddress(address: string, port: number): boolean
  /** Whether some listed network may be reached on this port. */
  permitsPort(port: number): boolean
}

/** Reads entries such as `10.0.0.0/8`, `192.168.1.5:2525`, `[::1]:8005`, `mail.internal`, `localhost:8005`. */
export function parseAllowList(entries: string[]): AllowList {
  const parsed = entries.map((text) => text.trim()).filter((text) => text !== '')
  const list = parsed.map(parseEntry)
  const fits = (entry: Entry, port: number) => entry.port === undefined || entry.port === port
  return {
    permitsName: (name, port) =>
      list.some((entry) => 'name' in entry && entry.name === name && fits(entry, port)),
    permitsAddress: (address, port) =>
      list.some((entry) => 'network' in entry && fits(entry, port) && inNetwork(address, entry.network)),
    permitsPort: (port) => list.some((entry) => 'network' in entry && fits(entry, port)),
  }
}

function parseEntry(text: string): Entry {
  const { host, bits, port } = split(text)
  const canonical = canonicalHost(host)
  const wrong = new Error(`egress allow list: "${text}" is not a host, an address or a network`)
  if (!canonical || (port !== undefined && !(port >= 1 && port <= 65535))) throw wrong
  if (canonical.kind === 'name') {
    if (bits !== undefined) throw wrong
    return { name: canonical.name, port }
  }
  const widest = isIP(canonical.address) === 4 ? 32 : 128
  const prefix = bits ?? widest
  if (prefix > widest) throw wrong
  return { network: [ipaddr.parse(canonical.address), prefix], port }
}

function split(text: string): { host: string; bits: number | undefined; port: number | undefined } {
  const match =
    /^(?<host>\[[^\]]+\]|[^/:]+|[^/]*:[^/]*:[^/]*)(\/(?<bits>\d{1,3}))?(:(?<port>\d{1,5}))?$/.exec(text)
  const groups = match?.groups
  const number = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits))
  return { host: groups?.host ?? '', bits: number(groups?.bits), port: number(groups?.port) }
}

import { createSocket } from 'node:dgram'

const TYPES = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const
export type ZoneType = keyof typeof TYPES
/** Records by name and type. A TXT is one string, or the list of its strings; `servfail` and `silent` are faults of the name. */
export type ServedZone = Record<
  string,
  Partial<Record<ZoneType, (string | string[])[]>> & { fault?: 'servfail' | 'silent' }
>

export type DnsServer = {
  /** `address:port`. */
  address: string
  port: number
  zone: ServedZone
  /** `TYPE name` of each question, in order. */
  asked: string[]
  close(): Promise<void>
}

function writeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.')
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ])
}

function readName(message: Buffer, at: number): { name: string; end: number } {
  const labels: string[] = []
  let place = at
  for (;;) {
    const length = message.readUInt8(place)
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: place + 1 }
    labels.push(message.toString('latin1', place + 1, place + 1 + length))
    place += 1 + length
  }
}

function writeAddress6(text: string): Buffer {
  const [head = '', tail = ''] = text.split('::')
  const words = (part: string) =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  const [first, last] = [words(head), words(tail)]
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}

function writeData(type: ZoneType, value: string | string[]): Buffer {
  if (type === 'TXT') {
    const strings = typeof value === 'string' ? (value.match(/.{1,255}/gs) ?? ['']) : value
    return Buffer.concat(
      strings.map((text) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)])),
    )
  }
  const text = String(value)
  if (type === 'A') return Buffer.from(text.split('.').map(Number))
  if (type === 'AAAA') return writeAddress6(text)
  if (type !== 'MX') return writeName(text)
  const [priority = '0', host = ''] = text.split(' ')
  return Buffer.concat([Buffer.from([Number(priority) >> 8, Number(priority) & 0xff]), writeName(host)])
}

function writeRecord(name: string, type: ZoneType, value: string | string[]): Buffer {
  const data = writeData(type, value)
  const head = Buffer.alloc(10)
  head.writeUInt16BE(TYPES[type], 0)
  head.writeUInt16BE(1, 2)
  head.writeUInt32BE(60, 4)
  head.writeUInt16BE(data.length, 8)
  return Buffer.concat([writeName(name), head, data])
}

/** A name server on a free UDP port of this machine: as resolver and as name server of all its zones. */
export async function startDnsServer(zone: ServedZone = {}): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const server: DnsServer = {
    address: '',
    port: 0,
    zone,
    asked: [],
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }

  function answer(message: Buffer): Buffer | null {
    const { name, end } = readName(message, 12)
    const number = message.readUInt16BE(end)
    const type = Object.entries(TYPES).find(([, one]) => one === number)?.[0]
    server.asked.push(`${type ?? number} ${name}`)
    const records = server.zone[name]
    if (records?.fault === 'silent') return null
    const exists = records || Object.keys(server.zone).some((other) => other.endsWith(`.${name}`))
    const found: Buffer[] = []
    for (const [one, values = []] of Object.entries(records ?? {})) {
      const kind = Object.keys(TYPES).find((known): known is ZoneType => known === one)
      if (kind && (kind === type || kind === 'CNAME') && Array.isArray(values))
        found.push(...values.map((value) => writeRecord(name, kind, value)))
    }
    const head = Buffer.from(message.subarray(0, 12))
    head.writeUInt16BE(0x8580 | (records?.fault === 'servfail' ? 2 : exists ? 0 : 3), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records?.fault ? 0 : found.length, 6)
    head.writeUInt32BE(0, 8)
    return Buffer.concat([head, message.subarray(12, end + 4), ...(records?.fault ? [] : found)])
  }

  socket.on('message', (message, peer) => {
    const reply = answer(message)
    if (reply) socket.send(reply, peer.port, peer.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  server.port = socket.address().port
  server.address = `127.0.0.1:${server.port}`
  return server
}

import type { Socket } from 'node:net'

/** What a proxy says of the client; empty where the proxy itself asks, for its own check. */
export type ProxiedClient = { remoteAddress?: string; remotePort?: number }

/** https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2 */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const HEAD_BYTES = 16
/** Addresses, and what proxies add to them. */
const REST_BYTES_MAX = 2_048
const TCP4 = 0x11
const TCP6 = 0x21

const groupsOf = (bytes: Buffer): string =>
  Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':')

function readHeader(header: Buffer): ProxiedClient | null {
  const [command, family] = [header[12], header[13]]
  const rest = header.subarray(HEAD_BYTES)
  if (command === 0x20) return {}
  if (command !== 0x21) return null
  if (family === TCP4)
    return rest.length < 12
      ? null
      : { remoteAddress: rest.subarray(0, 4).join('.'), remotePort: rest.readUInt16BE(8) }
  if (family === TCP6)
    return rest.length < 36
      ? null
      : { remoteAddress: groupsOf(rest.subarray(0, 16)), remotePort: rest.readUInt16BE(32) }
  return {}
}

/** The length of the whole header; null: there is none of version 2. */
function lengthOf(start: Buffer): number | null {
  const known = Math.min(start.length, SIGNATURE.length)
  if (!start.subarray(0, known).equals(SIGNATURE.subarray(0, known))) return null
  if (start.length < HEAD_BYTES) return HEAD_BYTES
  const rest = start.readUInt16BE(14)
  return rest > REST_BYTES_MAX ? null : HEAD_BYTES + rest
}

/**
 * Reads the header of version 2 of the PROXY protocol, and leaves the bytes after it in the socket. `other`: the bytes are of another form,
 * and all of them are still in the socket.
 */
export function readProxyHeader(
  socket: Socket,
  done: (result: ProxiedClient | 'other' | Error) => void,
): void {
  let read = Buffer.alloc(0)
  const end = (result: ProxiedClient | 'other' | Error, rest: Buffer): void => {
    socket.off('readable', more).off('close', gone).off('end', gone).off('error', gone)
    if (rest.length > 0) socket.unshift(rest)
    done(result)
  }
  const gone = (): void => end(new Error('The connection ended before its PROXY header'), Buffer.alloc(0))
  const more = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read())
      read = Buffer.concat([read, chunk])
    if (read.length === 0) return
    const length = lengthOf(read)
    if (length === null) end('other', read)
    else if (read.length >= HEAD_BYTES && read.length >= length) finish(length)
  }
  const finish = (length: number): void => {
    const client = readHeader(read.subarray(0, length))
    end(
      client ?? new Error('The PROXY header cannot be read'),
      client ? read.subarray(length) : Buffer.alloc(0),
    )
  }
  socket.on('readable', more).on('close', gone).on('end', gone).on('error', gone)
}

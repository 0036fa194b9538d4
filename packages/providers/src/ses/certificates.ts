import { type KeyObject, X509Certificate } from 'node:crypto'
import { isNetworkFailure } from '../lib/http.ts'
import type { Io } from '../provider.ts'
import type { Topic } from './topic.ts'

/** A key, or why there is none: `isFinal` where asking again would not help. */
export type Certificate = { kind: 'key'; key: KeyObject } | { kind: 'none'; reason: string; isFinal: boolean }

export type Certificates = {
  of(url: string, topic: Topic, io: Pick<Io, 'request' | 'now'>): Promise<Certificate>
}

const bytesMax = 16_384
const timeoutMs = 5_000
/** AWS has one for each region at a time, and a new one every few months. */
const kept = 50
const keptMs = 24 * 3_600_000

type Entry = { key: KeyObject; until: number }

/** Fetches the certificates that SNS signs with, from its own host of the topic's region alone, and keeps their keys for a day. */
export function createCertificates(): Certificates {
  const known = new Map<string, Entry>()
  const asked = new Map<string, Promise<Certificate>>()

  async function fetchOne(url: string, io: Pick<Io, 'request' | 'now'>): Promise<Certificate> {
    const read = await download(url, io)
    if (read.kind === 'none') return read
    const now = io.now().getTime()
    const { certificate } = read
    if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo))
      return { kind: 'none', reason: 'the certificate is out of date', isFinal: true }
    const [oldest] = known.keys()
    if (known.size >= kept && oldest !== undefined) known.delete(oldest)
    const until = Math.min(now + keptMs, Date.parse(certificate.validTo))
    known.set(url, { key: certificate.publicKey, until })
    return { kind: 'key', key: certificate.publicKey }
  }

  return {
    of(url, topic, io) {
      if (!isOfTopic(url, topic))
        return Promise.resolve({ kind: 'none', reason: 'the certificate is not one of SNS', isFinal: true })
      const entry = known.get(url)
      if (entry && io.now().getTime() < entry.until) return Promise.resolve({ kind: 'key', key: entry.key })
      const running = asked.get(url) ?? fetchOne(url, io).finally(() => asked.delete(url))
      asked.set(url, running)
      return running
    },
  }
}

/** The one form of address that SNS publishes its certificates at: no other host, port, path or query. */
function isOfTopic(url: string, { host }: Topic): boolean {
  const start = `https://${host}/SimpleNotificationService-`
  return url.startsWith(start) && /^[0-9a-zA-Z]{1,64}\.pem$/.test(url.slice(start.length))
}

type Downloaded = { kind: 'read'; certificate: X509Certificate } | Extract<Certificate, { kind: 'none' }>

async function download(url: string, io: Pick<Io, 'request'>): Promise<Downloaded> {
  try {
    const request = { method: 'GET', url, headers: {}, timeoutMs, answerBytesMax: bytesMax } as const
    const { status, body } = await io.request(request)
    if (status !== 200)
      return { kind: 'none', reason: `the certificate was answered with ${status}`, isFinal: false }
    return { kind: 'read', certificate: new X509Certificate(body) }
  } catch (error) {
    const reason = isNetworkFailure(error) ? error.reason : 'it is none'
    return { kind: 'none', reason: `the certificate could not be fetched: ${reason}`, isFinal: false }
  }
}

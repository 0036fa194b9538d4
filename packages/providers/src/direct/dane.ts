import { createHash, X509Certificate } from 'node:crypto'
import type { TlsaRecord } from 'node:dns'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { ask, type Resolver } from './resolver.ts'

const chainMax = 10
const anchor = 2
const endEntity = 3

/** The TLSA records of a mail host: https://www.rfc-editor.org/rfc/rfc7672#section-2.2 */
export async function findTlsa(host: string, resolver: Resolver): Promise<TlsaRecord[]> {
  return (await ask(resolver.resolveTlsa(`_25._tcp.${host}`))) ?? []
}

/** TLSA usages valid for SMTP: https://www.rfc-editor.org/rfc/rfc7672#section-3.1 */
export function usableTlsa(records: readonly TlsaRecord[]): TlsaRecord[] {
  return records.filter(
    ({ certUsage, selector, match }) =>
      (certUsage === anchor || certUsage === endEntity) && selector <= 1 && match <= 2,
  )
}

/** Why the certificate of a server is not the one that its TLSA records tell of; null when it is. */
export function daneError(
  socket: TLSSocket,
  records: readonly TlsaRecord[],
  names: readonly string[],
  now: Date,
): string | null {
  const chain = chainOf(socket)
  const [leaf] = chain
  if (!leaf) return 'the server showed no certificate'
  // Neither name nor date count: https://www.rfc-editor.org/rfc/rfc7672#section-3.1.1
  if (records.some((record) => record.certUsage === endEntity && matches(record, leaf))) return null
  const isAnchored = records.some((record) => record.certUsage === anchor && isValidUpTo(chain, record, now))
  if (isAnchored && names.some((name) => leaf.checkHost(name) !== undefined)) return null
  return 'the certificate of the server is not that of its TLSA records'
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next?.raw && chain.length < chainMax) {
    const { raw } = next
    if (chain.some((known) => known.raw.equals(raw))) break
    chain.push(new X509Certificate(raw))
    next = next.issuerCertificate
  }
  return chain
}

function matches({ selector, match, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const whole =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const shown =
    match === 0
      ? whole
      : createHash(match === 1 ? 'sha256' : 'sha512')
          .update(whole)
          .digest()
  return shown.equals(Buffer.from(data))
}

/** Whether each certificate, up to the one of the record, is in date and signed by the next. */
function isValidUpTo(chain: X509Certificate[], record: TlsaRecord, now: Date): boolean {
  const at = chain.findIndex((certificate) => matches(record, certificate))
  return (
    at >= 0 &&
    chain.slice(0, at + 1).every((certificate, index) => {
      const issuer = chain[index + 1]
      const isSigned =
        index === at ||
        (!!issuer && issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
      return isSigned && certificate.validFromDate <= now && now <= certificate.validToDate
    })
  )
}

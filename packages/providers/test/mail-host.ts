import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Resolver } from '../src/direct/resolver.ts'
import type { Io } from '../src/provider.ts'

/** A certificate for mx.example.org with its throwaway key, and the authority that signed it; good until 2126. */
export const mxTls = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWorL5GVUcIcTCkVU
/jBuIVtFsWqIK2RT8VkhPfiilLOhRANCAASY8mIrLFwJ1TGoPSwYAl2xKjeFuB2m
PMFLM9VvcWFtrhG8y1LGlrLQ4i7SlJjdI1ZlB6JYKr40WY/cH5O2pr23
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmDCCAT2gAwIBAgIUDYnx3oj/Wz+pL0bfenow+JkXsnowCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTI0MTEzOTMwWhgPMjEy
NjEwMzExMTM5MzBaMBIxEDAOBgNVBAMMB214LnRlc3QwWTATBgcqhkjOPQIBBggq
hkjOPQMBBwNCAASY8mIrLFwJ1TGoPSwYAl2xKjeFuB2mPMFLM9VvcWFtrhG8y1LG
lrLQ4i7SlJjdI1ZlB6JYKr40WY/cH5O2pr23o2gwZjAZBgNVHREEEjAQgg5teC5l
eGFtcGxlLm9yZzAJBgNVHRMEAjAAMB0GA1UdDgQWBBTMLro9a/8hJV4jFJPZmvY1
BGDXBzAfBgNVHSMEGDAWgBTWAJrEXEsbu3wQuO6zlsst0R/+gDAKBggqhkjOPQQD
AgNJADBGAiEA3arSTisNQ0SMfmMA8uvDYJ9PLDVk38FoZsjBZcI0GfICIQD96O6X
VjwZW2LfcKkEg9abdTGKJN0v2/MJjw5+QC4DPw==
-----END CERTIFICATE-----
`,
  ca: `-----BEGIN CERTIFICATE-----
MIIBmjCCAT+gAwIBAgIUdZ3vwUtkgMSeNj/WfqIphGI+XIAwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTI0MTEzOTI5WhgPMjEy
NjEwMzExMTM5MjlaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEmzR3JxvZZvr9hVTqXavuJXjfvj0v6LrD9eG8l93C
fHzG3Ki/YduOm7/P8KCrzVz7YUR9wf0R3qAT4k/BT5kSD6NjMGEwHQYDVR0OBBYE
FNYAmsRcSxu7fBC47rOWyy3RH/6AMB8GA1UdIwQYMBaAFNYAmsRcSxu7fBC47rOW
yy3RH/6AMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMAoGCCqGSM49
BAMCA0kAMEYCIQD7LEZHUKjTkBc6q7EGaDJ+Qzv0+DHXNKEVZMRFR/HdjQIhAK9W
k4fhLjtQRRCxUzMa3UELv25k6LPTp5v5v1gNxmob
-----END CERTIFICATE-----
`,
}

export type Zone = Record<
  string,
  {
    mx?: [priority: number, exchange: string][]
    a?: string[]
    txt?: string[]
    tlsa?: { certUsage: number; selector: number; match: number; data: Buffer }[]
    ptr?: string[]
  }
>

/** A DNS of these names alone; a name that ends in `broken` is never answered for. */
export function resolverOf(zone: Zone): Resolver & { asked: string[] } {
  const asked: string[] = []
  const find = async <T>(name: string, pick: (records: Zone[string]) => T[] | undefined): Promise<T[]> => {
    asked.push(name)
    if (name.endsWith('broken')) throw Object.assign(new Error('queryMx'), { code: 'ESERVFAIL' })
    const records = zone[name]
    if (!records) throw Object.assign(new Error('queryMx'), { code: 'ENOTFOUND' })
    const found = pick(records)
    if (!found || found.length === 0) throw Object.assign(new Error('queryMx'), { code: 'ENODATA' })
    return found
  }
  return {
    asked,
    resolveMx: (name) => find(name, ({ mx }) => mx?.map(([priority, exchange]) => ({ priority, exchange }))),
    resolve4: (name) => find(name, ({ a }) => a),
    resolve6: (name) => find(name, () => []),
    resolveTxt: (name) => find(name, ({ txt }) => txt?.map((text) => [text.slice(0, 20), text.slice(20)])),
    resolveTlsa: (name) =>
      find(name, ({ tlsa }) => tlsa?.map((one) => ({ ...one, data: Uint8Array.from(one.data).buffer }))),
    reverse: (address) => find(address, ({ ptr }) => ptr),
  }
}

/** An egress on which each of these hosts is a port of this machine, and no other host answers. */
export function reaching(io: Io, ports: Record<string, number>): Io & { reached: string[] } {
  const reached: string[] = []
  return {
    ...io,
    reached,
    connect: (target) => {
      reached.push(target.host)
      return io.connect({ ...target, port: ports[target.host] ?? 1 })
    },
  }
}

/** A mail host that speaks TLS, and reports in its reply whether the session used TLS. */
export async function playMailHost(options: SMTPServerOptions = {}) {
  const mails: Buffer[] = []
  const server = new SMTPServer({
    key: mxTls.key,
    cert: mxTls.cert,
    authOptional: true,
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece) => pieces.push(piece))
      stream.on('end', () => {
        mails.push(Buffer.concat(pieces))
        done(null, `ok id=${session.secure ? 'encrypted' : 'unencrypted'}`)
      })
    },
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, mails, close: () => new Promise<void>((resolve) => server.close(resolve)) }
}

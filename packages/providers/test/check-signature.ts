import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Whether a request carries a valid signature, by the rules alone: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export function checkSignature(
  request: { method: string; path: string; headers: IncomingHttpHeaders; body: string } | undefined,
  secretKey: string,
): boolean {
  const header = request?.headers.authorization ?? ''
  const parts =
    /Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})/
  const [, day = '', region = '', service = '', names = '', signature = ''] = parts.exec(header) ?? []
  if (!request || !signature) return false
  const lines = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
  const [path = '', query = ''] = request.path.split('?')
  const sorted = query.split('&').sort().join('&')
  const canonical = [request.method, path, sorted, lines.join(''), names, sha256(request.body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretKey}`)
  return timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

import { Sha256 } from '@smithy/core/checksum'
import { HttpRequest } from '@smithy/core/protocols'
import { SignatureV4 } from '@smithy/signature-v4'
import { SignatureV4a } from '@smithy/signature-v4a'
import type { AwsCredentialIdentity, RequestSigner } from '@smithy/types'
import type { SesSettings } from './account.ts'

/** A signer for each set of keys and each region (`*`: of a multi-region endpoint). */
const signers = new WeakMap<AwsCredentialIdentity, Map<string, RequestSigner>>()

/**
 * Adds the signature of AWS to the header fields of a POST request; a multi-region endpoint needs Signature Version 4a.
 * `bodyHash`: SHA-256 of the body, in hexadecimal.
 */
export async function signPost(
  request: { url: URL; bodyHash: string },
  keys: AwsCredentialIdentity,
  settings: Pick<SesSettings, 'region' | 'endpoint_id'>,
  now: Date,
): Promise<Record<string, string>> {
  const { url, bodyHash } = request
  const signer = signerOf(keys, settings.endpoint_id === undefined ? settings.region : '*')
  const signed = await signer.sign(
    new HttpRequest({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { 'content-type': 'application/json', host: url.host, 'x-amz-content-sha256': bodyHash },
    }),
    { signingDate: now },
  )
  return signed.headers
}

function signerOf(keys: AwsCredentialIdentity, region: string): RequestSigner {
  const known = signers.get(keys) ?? new Map<string, RequestSigner>()
  signers.set(keys, known)
  const signer = known.get(region) ?? createSigner(keys, region)
  known.set(region, signer)
  return signer
}

function createSigner(credentials: AwsCredentialIdentity, region: string): RequestSigner {
  const options = { credentials, region, service: 'ses', sha256: Sha256, applyChecksum: false }
  return region === '*' ? new SignatureV4a(options) : new SignatureV4(options)
}

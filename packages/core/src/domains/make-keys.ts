import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { newId } from '@lettergate/contracts/lib/ids'
import { randomText } from '../lib/index.ts'
import type { Sealer } from '../secrets/index.ts'
import type { DomainKeyRow } from './domain-rows.ts'

/** In another thread: an RSA key takes 40 ms and more. */
const generate = promisify(generateKeyPair)
/** Longer keys fit into no single UDP answer, and receivers take shorter ones for weak. */
const RSA_BITS = 2048
/** https://www.rfc-editor.org/rfc/rfc8463#section-4: the key itself, without the frame around it. */
const ED25519_BYTES = 32

export type NewKey = Pick<DomainKeyRow, 'id' | 'algorithm' | 'selector' | 'public_key'> & {
  sealed_key: Uint8Array<ArrayBuffer>
  data_key_version: number
}

/** Makes the keys of a domain, one for each algorithm. Private keys leave this function sealed. */
export async function makeKeys(sealer: Pick<Sealer, 'sealJson'>, tenantId: string): Promise<NewKey[]> {
  const [rsa, ed25519] = await Promise.all([
    generate('rsa', { modulusLength: RSA_BITS }),
    generate('ed25519'),
  ])
  const mark = randomText(6)
  const spki = { type: 'spki', format: 'der' } as const
  const made = [
    { algorithm: 'rsa', shown: rsa.publicKey.export(spki), privateKey: rsa.privateKey },
    {
      algorithm: 'ed25519',
      shown: ed25519.publicKey.export(spki).subarray(-ED25519_BYTES),
      privateKey: ed25519.privateKey,
    },
  ] as const
  return Promise.all(
    made.map(async ({ algorithm, shown, privateKey }) => {
      const id = newId()
      const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
      const { sealed, dataKeyVersion } = await sealer.sealJson(
        { tenantId, table: 'domain_key', id },
        { private_key: pkcs8 },
      )
      return {
        id,
        algorithm,
        selector: `lg${mark}${algorithm === 'rsa' ? 'r' : 'e'}`,
        public_key: shown.toString('base64'),
        sealed_key: new Uint8Array(sealed),
        data_key_version: dataKeyVersion,
      }
    }),
  )
}

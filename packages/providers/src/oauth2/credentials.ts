import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'

const privateKeyCharsMax = 8_192

/** Schema of the private key of a Google service account: RSA in PEM, its line ends written out or as `\n`. */
export const privateKey = z
  .string()
  .max(privateKeyCharsMax)
  .transform((text) => text.replaceAll('\\n', '\n'))
  .refine(isRsaKey, 'must be an RSA private key in PEM form, as in the JSON file of the service account')
  .transform((text) => new Secret(text))
  .describe('`private_key` in the JSON file of a service account')

/** Schema of the public name of an application: https://www.rfc-editor.org/rfc/rfc6749#appendix-A.1 */
export const clientId = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be printable ASCII without spaces, at most 255 characters')

function isRsaKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

import { generateKeyPairSync, sign } from 'node:crypto'
import { type AccountKind, secondsOf } from '../../../test/event-account.ts'
import { fakeSendgrid } from './fake.ts'

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const otherKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')

export const account: AccountKind = {
  connectionTo: (base) => ({ credentials: { api_key: 'SG.secret' }, settings: { base_url: base } }),
  fake: () => fakeSendgrid(publicKey),
  post(_url, event, { wrong, at }) {
    const body = Buffer.from(`${JSON.stringify([event])}\r\n`)
    const signed = Buffer.concat([Buffer.from(secondsOf(at)), body])
    const signature = sign('sha256', signed, (wrong ? otherKeys : keys).privateKey)
    return {
      headers: {
        'x-twilio-email-event-webhook-timestamp': secondsOf(at),
        'x-twilio-email-event-webhook-signature': signature.toString('base64'),
      },
      body,
    }
  },
  secrets: { public_key: publicKey },
  refusal: [403, { errors: [{ field: null, message: 'access forbidden' }] }],
  hasTime: true,
  coversBody: true,
}

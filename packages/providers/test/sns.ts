import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { HttpRequest, HttpResponse } from '../src/provider.ts'
import type { Signing } from './events.ts'
import { failure, testTime } from './io.ts'

export const topics = [
  'arn:aws:sns:eu-west-1:123456789012:lettergate-con_1',
  'arn:aws:sns:eu-west-1:123456789012:lettergate-con_2',
] as const
export const certificateUrl =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem'

/** Fields of a message of SNS. */
export type Envelope = { [key: string]: string }

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const day = 24 * 3_600_000

/** Messages of SNS signed with a made key, and the host that has its certificate. */
export function playSns() {
  const asked: string[] = []
  let answer: () => HttpResponse | Error = () => certificateAnswer(makeCertificate(keys, {}))
  return {
    asked,
    /** The certificate as a PEM text. */
    pem: makeCertificate(keys, {}),
    answerWith(next: () => HttpResponse | Error) {
      answer = next
    },
    answerWithCertificate(validity: Validity) {
      answer = () => certificateAnswer(makeCertificate(keys, validity))
    },
    io: {
      now: () => testTime,
      request: async ({ url }: HttpRequest) => {
        asked.push(url)
        const given = url === certificateUrl ? answer() : failure('no such host', false)
        if (given instanceof Error) throw given
        return given
      },
    },
  }
}

function certificateAnswer(pem: string): HttpResponse {
  return { status: 200, headers: {}, body: Buffer.from(pem) }
}

/** A notification around the text of an event; `changes` are made before it is signed. */
export function signNotification(text: string, { secret, at }: Signing, changes: Envelope = {}) {
  const envelope: Envelope = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: topics[secret],
    Subject: 'Amazon SES Email Event Notification',
    Message: text,
    Timestamp: at.toISOString(),
    SignatureVersion: '2',
    ...changes,
  }
  const signed =
    envelope.Type === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  const lines = signed.filter((key) => envelope[key] !== undefined).map((key) => `${key}\n${envelope[key]}\n`)
  const algorithm = envelope.SignatureVersion === '1' ? 'sha1' : 'sha256'
  return toHook({
    ...envelope,
    Signature: sign(algorithm, Buffer.from(lines.join('')), keys.privateKey).toString('base64'),
    SigningCertURL: certificateUrl,
    UnsubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${topics[secret]}:1`,
    ...Object.fromEntries(Object.entries(changes).filter(([key]) => !signed.includes(key))),
  })
}

export function toHook(envelope: Envelope) {
  return {
    url: 'https://mail.example.com/v1/hooks/ses/con_1/token',
    headers: {
      'content-type': 'text/plain; charset=UTF-8',
      'x-amz-sns-message-type': envelope.Type,
      'x-amz-sns-message-id': envelope.MessageId,
      'x-amz-sns-topic-arn': envelope.TopicArn,
    },
    body: Buffer.from(JSON.stringify(envelope)),
  }
}

type Validity = { from?: Date; to?: Date }

/** A self-signed certificate (RFC 5280 §4.1), since Node makes keys but no certificates. */
function makeCertificate(
  pair: { publicKey: KeyObject; privateKey: KeyObject },
  { from, to }: Validity,
): string {
  // sha256WithRSAEncryption, and the attribute commonName.
  const algorithm = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'))
  const commonName = Buffer.from('0603550403', 'hex')
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from('sns.amazonaws.com')))))
  const starts = toUtc(from ?? new Date(testTime.getTime() - day))
  const ends = toUtc(to ?? new Date(testTime.getTime() + 60 * day))
  const version = der(0xa0, der(0x02, Buffer.from([2])))
  const serial = der(0x02, Buffer.from([1]))
  const key = pair.publicKey.export({ type: 'spki', format: 'der' })
  const content = sequence(version, serial, algorithm, name, sequence(starts, ends), name, key)
  const signature = der(0x03, Buffer.from([0]), sign('sha256', content, pair.privateKey))
  const base64 = sequence(content, algorithm, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function toUtc(date: Date): Buffer {
  return der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2, 14)}Z`,
    ),
  )
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

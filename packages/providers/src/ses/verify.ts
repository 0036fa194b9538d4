import { verify } from 'node:crypto'
import { z } from 'zod'
import { type Fields, readRecord } from '../lib/event-records.ts'
import { headerOf, isFresh, refused } from '../lib/hook-checks.ts'
import type { Hook, HookVerdict, Io } from '../provider.ts'
import type { Certificates } from './certificates.ts'
import { parseTopic, type Topic } from './topic.ts'

/** SNS repeats a message for an hour at most, under the time of the first try. */
const ageMsMax = 65 * 60_000

export type SesSecrets = { topic_arn: string }

export const sesSecrets: z.ZodType<SesSecrets> = z.strictObject({
  topic_arn: z
    .string()
    .max(400)
    .refine((arn) => parseTopic(arn) !== null, 'must be the ARN of an SNS topic')
    .describe('ARN of the SNS topic that carries the events of this connection'),
})

const algorithms = new Map<unknown, string>([
  ['1', 'sha1'],
  ['2', 'sha256'],
])

// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
const confirmationKeys = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
const signedKeys = new Map<unknown, readonly string[]>([
  ['Notification', ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']],
  ['SubscriptionConfirmation', confirmationKeys],
  ['UnsubscribeConfirmation', confirmationKeys],
])

/**
 * The signature of SNS proves that some account of AWS sent the message; the topic, that it was the one of this connection. No
 * certificate is fetched for another topic.
 */
export async function verifySes(
  hook: Hook,
  secrets: readonly SesSecrets[],
  certificates: Certificates,
  io: Pick<Io, 'request' | 'now'>,
): Promise<HookVerdict> {
  const message = readRecord(hook.body)
  const keys = signedKeys.get(message?.Type)
  if (message === undefined || keys === undefined) return refused('the body is no message of SNS')
  if (headerOf(hook, 'x-amz-sns-message-type') !== message.Type) return refused('the head is of another type')
  const topic = typeof message.TopicArn === 'string' ? parseTopic(message.TopicArn) : null
  if (topic === null || !secrets.some(({ topic_arn }) => topic_arn === topic.arn))
    return refused('the topic is not that of this connection')
  const { Timestamp, SigningCertURL: url, Signature: signature } = message
  const signedMs = typeof Timestamp === 'string' ? Date.parse(Timestamp) : Number.NaN
  if (!isFresh(signedMs, io.now(), ageMsMax)) return refused('the signature is too old')
  const algorithm = algorithms.get(message.SignatureVersion)
  if (algorithm === undefined || typeof signature !== 'string' || typeof url !== 'string')
    return refused('the signature is missing or of an unknown version')
  const certificate = await certificates.of(url, topic, io)
  if (certificate.kind === 'none')
    return { kind: certificate.isFinal ? 'refused' : 'undecided', reason: certificate.reason }
  const isRight = verify(
    algorithm,
    toSigned(message, keys),
    certificate.key,
    Buffer.from(signature, 'base64'),
  )
  if (!isRight) return refused('the signature is wrong')
  return message.Type === 'SubscriptionConfirmation' ? confirm(message.Token, topic) : { kind: 'verified' }
}

/** Names and values, a line each; a subject is there only if the message has one. */
function toSigned(message: Fields, keys: readonly string[]): Buffer {
  const lines = keys
    .filter((key) => typeof message[key] === 'string')
    .map((key) => `${key}\n${message[key]}\n`)
  return Buffer.from(lines.join(''))
}

/** Calls the API with the token, so that an address in the message is never called. */
function confirm(token: unknown, { host, arn }: Topic): HookVerdict {
  if (typeof token !== 'string' || !/^[\w-]{1,1024}$/.test(token)) return refused('the token is none of SNS')
  const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: arn, Token: token })
  return { kind: 'confirm', url: `https://${host}/?${query}` }
}

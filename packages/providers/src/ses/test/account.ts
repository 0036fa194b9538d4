import { randomUUID } from 'node:crypto'
import { type AccountKind, other } from '../../../test/event-account.ts'
import { playSns, signNotification } from '../../../test/sns.ts'
import { fakeAws, refuseAws } from './fake.ts'

const sns = playSns()

/** A day around now, as the server's time is the database's. */
sns.answerWithCertificate({
  from: new Date(Date.now() - 24 * 3_600_000),
  to: new Date(Date.now() + 24 * 3_600_000),
})

/** For the api: the host of SNS' certificates, and every address by which a subscription is confirmed. */
export function playCertificates() {
  const confirmed: string[] = []
  return {
    confirmed,
    request: async (request: Parameters<typeof sns.io.request>[0]) => {
      if (!request.url.includes('Action=ConfirmSubscription')) return sns.io.request(request)
      confirmed.push(request.url)
      return { status: 200, headers: {}, body: Buffer.from('<ok/>') }
    },
  }
}

/** The topic that a connection of SES gets, by its id. */
export const topicOf = (id: string) => `arn:aws:sns:eu-west-1:123456789012:lettergate-${id}`

export const account: AccountKind = {
  connectionTo: (base) => ({
    credentials: { access_key_id: 'AKIAEXAMPLE', secret_access_key: 'secret' },
    settings: { region: 'eu-west-1', configuration_set: 'events', base_url: base, sns_url: base },
  }),
  fake: fakeAws,
  post(_url, event, { wrong, at }, got) {
    const name = got.map(({ body }) => new URLSearchParams(body).get('Name')).find((found) => found !== null)
    const topic = `arn:aws:sns:eu-west-1:123456789012:${other(name ?? '', wrong)}`
    const { headers, body } = signNotification(
      JSON.stringify(event),
      { secret: 0, at },
      { TopicArn: topic, MessageId: randomUUID() },
    )
    return {
      headers: {
        'content-type': 'text/plain',
        'x-amz-sns-message-type': headers['x-amz-sns-message-type'] ?? '',
      },
      body,
    }
  },
  secrets: { topic_arn: topicOf('con_1') },
  refusal: refuseAws,
  hasTime: true,
  coversBody: true,
}

import type { SESv2Client } from '@aws-sdk/client-sesv2'
import type { SNSClient } from '@aws-sdk/client-sns'
import { toAccountProblem, toRefusedFault, unreachableFault } from '../lib/account-problem.ts'
import { isNetworkFailure } from '../lib/http.ts'
import type { AccountProblem, HookTarget, Io, Registered } from '../provider.ts'
import type { SesConnection, SesRegistration } from './account.ts'
import { sesEndpoint, snsEndpoint } from './endpoint.ts'
import type { Identities } from './identity.ts'
import { rules } from './outcome.ts'
import { describeSdkError, nameOf } from './sdk-error.ts'
import { clientOptions, createSdkTransport } from './sdk-transport.ts'
import { parseTopic, type Topic } from './topic.ts'
import type { SesSecrets } from './verify.ts'

const eventTypes = [
  'SEND',
  'DELIVERY_DELAY',
  'DELIVERY',
  'BOUNCE',
  'COMPLAINT',
  'REJECT',
  'RENDERING_FAILURE',
  'OPEN',
  'CLICK',
  'SUBSCRIPTION',
] as const

const needsSet =
  'Name a configuration set in the settings of this connection (configuration_set): it is made if there is none, and its events are sent.'
const needsPermissions =
  'The user or role needs ses:GetConfigurationSet, ses:CreateConfigurationSet, ses:CreateConfigurationSetEventDestination, ' +
  'ses:UpdateConfigurationSetEventDestination, sns:CreateTopic, sns:SetTopicAttributes and sns:Subscribe; to remove it, ' +
  'ses:DeleteConfigurationSetEventDestination, sns:DeleteTopic, sns:ListSubscriptionsByTopic and sns:Unsubscribe.'

/** Of a hundred each; the topic has one for each URL of the last day. */
const subscriptionPagesMax = 10

type Clients = { ses: SESv2Client; sns: SNSClient }

/** Makes a topic for the connection, subscribes the URL to it, and lets the configuration set publish there. Each step may be repeated. */
export async function registerSes(
  connection: SesConnection,
  target: HookTarget<SesSecrets>,
  identities: Identities,
  io: Io,
): Promise<Registered<SesRegistration>> {
  const set = connection.settings.configuration_set
  if (set === undefined)
    return {
      kind: 'failed',
      problem: toAccountProblem('provider-settings-wrong', 'no configuration set', [needsSet]),
    }
  // A name of a topic and of a destination holds letters, digits, - and _.
  const name = `lettergate-${connection.id}`
  const done = await withClients(connection, identities, io, async (clients): Promise<SesRegistration> => {
    await ensureSet(clients, set)
    const topic = await makeTopic(clients, name, set)
    await target.keepSecrets({ topic_arn: topic.arn })
    await subscribe(clients, topic, target.url)
    await publish(clients, set, name, topic)
    return { topic_arn: topic.arn, configuration_set: set, event_destination: name, url: target.url }
  })
  if (done.kind === 'failed') return done
  return {
    kind: 'registered',
    registration: done.value,
    notes: [
      `SNS asks whether the URL takes the events of ${done.value.topic_arn}; events come once that is confirmed.`,
    ],
  }
}

/** Removes the destination and the topic, and with it the subscription; the configuration set stays, since messages name it. */
export async function unregisterSes(
  connection: SesConnection,
  { topic_arn, configuration_set, event_destination }: SesRegistration,
  identities: Identities,
  io: Io,
): Promise<AccountProblem | null> {
  const done = await withClients(connection, identities, io, async ({ ses, sns }) => {
    const { DeleteConfigurationSetEventDestinationCommand } = await import('@aws-sdk/client-sesv2')
    const { DeleteTopicCommand } = await import('@aws-sdk/client-sns')
    const destination = { ConfigurationSetName: configuration_set, EventDestinationName: event_destination }
    await unless(
      'NotFoundException',
      ses.send(new DeleteConfigurationSetEventDestinationCommand(destination)),
    )
    await unless('NotFoundException', sns.send(new DeleteTopicCommand({ TopicArn: topic_arn })))
  })
  return done.kind === 'failed' ? done.problem : null
}

/** Removes the subscription of one URL; the topic stays, since a later URL is subscribed to it. */
export async function unsubscribeSes(
  connection: SesConnection,
  { topic_arn: TopicArn, url }: SesRegistration,
  identities: Identities,
  io: Io,
): Promise<AccountProblem | null> {
  const done = await withClients(connection, identities, io, async ({ sns }) => {
    const { ListSubscriptionsByTopicCommand, UnsubscribeCommand } = await import('@aws-sdk/client-sns')
    let NextToken: string | undefined
    for (let page = 0; page < subscriptionPagesMax; page++) {
      const listed = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn, NextToken }))
      // One that was never confirmed has no ARN, and ends without us.
      for (const { Endpoint, SubscriptionArn } of listed.Subscriptions ?? [])
        if (Endpoint === url && SubscriptionArn?.startsWith('arn:'))
          await sns.send(new UnsubscribeCommand({ SubscriptionArn }))
      NextToken = listed.NextToken
      if (NextToken === undefined) break
    }
  })
  if (done.kind === 'done') return null
  return done.problem
}

async function ensureSet({ ses }: Clients, set: string): Promise<void> {
  const { CreateConfigurationSetCommand, GetConfigurationSetCommand } = await import('@aws-sdk/client-sesv2')
  const ConfigurationSetName = set
  const isThere = await unless(
    'NotFoundException',
    ses.send(new GetConfigurationSetCommand({ ConfigurationSetName })),
  )
  if (!isThere) await ses.send(new CreateConfigurationSetCommand({ ConfigurationSetName }))
}

/** A topic of this name is made once; what it may do is set each time. SES may publish to it, for this set of this account alone. */
async function makeTopic({ sns }: Clients, name: string, set: string): Promise<Topic> {
  const { CreateTopicCommand, SetTopicAttributesCommand } = await import('@aws-sdk/client-sns')
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: name }))
  const topic = parseTopic(TopicArn)
  if (topic === null) throw new OddAnswer('the answer is not one of SNS')
  const attributes = { SignatureVersion: '2', Policy: JSON.stringify(policyOf(topic, set)) }
  for (const [AttributeName, AttributeValue] of Object.entries(attributes))
    await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }))
  return topic
}

// https://docs.aws.amazon.com/ses/latest/dg/configure-sns-notifications.html
function policyOf({ arn, account, region, partition }: Topic, set: string) {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'SesPublishesEvents',
        Effect: 'Allow',
        Principal: { Service: 'ses.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: arn,
        Condition: {
          StringEquals: {
            'AWS:SourceAccount': account,
            'AWS:SourceArn': `arn:${partition}:ses:${region}:${account}:configuration-set/${set}`,
          },
        },
      },
    ],
  }
}

async function subscribe({ sns }: Clients, { arn }: Topic, url: string): Promise<void> {
  const { SubscribeCommand } = await import('@aws-sdk/client-sns')
  const Protocol = url.startsWith('https:') ? 'https' : 'http'
  await sns.send(
    new SubscribeCommand({ TopicArn: arn, Protocol, Endpoint: url, ReturnSubscriptionArn: true }),
  )
}

async function publish({ ses }: Clients, set: string, name: string, { arn }: Topic): Promise<void> {
  const { CreateConfigurationSetEventDestinationCommand, UpdateConfigurationSetEventDestinationCommand } =
    await import('@aws-sdk/client-sesv2')
  const input = {
    ConfigurationSetName: set,
    EventDestinationName: name,
    EventDestination: {
      Enabled: true,
      MatchingEventTypes: [...eventTypes],
      SnsDestination: { TopicArn: arn },
    },
  }
  const made = await unless(
    'AlreadyExistsException',
    ses.send(new CreateConfigurationSetEventDestinationCommand(input)),
  )
  if (!made) await ses.send(new UpdateConfigurationSetEventDestinationCommand(input))
}

/** Whether a command did what it should; false for the one error that its caller expects. */
async function unless(expected: string, command: Promise<unknown>): Promise<boolean> {
  try {
    await command
    return true
  } catch (error) {
    if (nameOf(error) === expected) return false
    throw error
  }
}

class OddAnswer extends Error {}

type Done<T> = { kind: 'done'; value: T } | { kind: 'failed'; problem: AccountProblem }

async function withClients<T>(
  connection: SesConnection,
  identities: Identities,
  io: Io,
  work: (clients: Clients) => Promise<T>,
): Promise<Done<T>> {
  const { SESv2Client } = await import('@aws-sdk/client-sesv2')
  const { SNSClient } = await import('@aws-sdk/client-sns')
  const identity = await identities.of(connection, io)
  if (identity.kind === 'failed')
    return { kind: 'failed', problem: toAccountProblem(identity.code, identity.reason) }
  const { settings } = connection
  const options = {
    ...clientOptions(io, settings.region, createSdkTransport(io)),
    credentials: identity.keys,
  }
  const clients = {
    ses: new SESv2Client({ ...options, endpoint: sesEndpoint({ ...settings, endpoint_id: undefined }) }),
    sns: new SNSClient({ ...options, endpoint: snsEndpoint(settings) }),
  }
  try {
    return { kind: 'done', value: await work(clients) }
  } catch (error) {
    return { kind: 'failed', problem: toProviderError(error) }
  } finally {
    clients.ses.destroy()
    clients.sns.destroy()
  }
}

function toProviderError(error: unknown): AccountProblem {
  if (isNetworkFailure(error)) return unreachableFault(error)
  if (error instanceof OddAnswer) return toAccountProblem('provider-settings-wrong', error.message)
  const { status, message } = describeSdkError(error)
  if (status === undefined) throw error
  const problem = toRefusedFault(rules, { status, code: nameOf(error), message })
  return problem.code === 'provider-permission-missing'
    ? { ...problem, advice: [needsPermissions, ...problem.advice] }
    : problem
}

import type { FakeAnswer, FakeApi } from '../../../test/event-account.ts'
import type { Exchange } from '../../../test/http-peer.ts'

const account = 'arn:aws:sns:eu-west-1:123456789012:'
const isSns = ({ path }: Exchange) => path === '/'
const xml = (action: string, content: string) =>
  `<${action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><${action}Result>${content}</${action}Result>` +
  `<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`
const problem = (code: string) =>
  `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code>` +
  '<Message>not authorized</Message></Error><RequestId>1</RequestId></ErrorResponse>'
export const refuseAws = (exchange: Exchange): FakeAnswer =>
  isSns(exchange)
    ? [403, problem('AuthorizationError')]
    : [403, { __type: 'AccessDeniedException', message: 'User is not authorized to perform this' }]

/** Topics with their subscriptions and attributes, and the destinations of one configuration set. */
export function fakeAws(): FakeApi {
  const topics = new Map<string, { urls: Set<string>; attributes: Map<string, string> }>()
  const destinations = new Map<
    string,
    { Enabled: boolean; MatchingEventTypes: string[]; SnsDestination: { TopicArn: string } }
  >()
  let hasSet = false

  function answerSns(body: string): FakeAnswer {
    const form = new URLSearchParams(body)
    const action = form.get('Action') ?? ''
    const arn = form.get('TopicArn') ?? `${account}${form.get('Name')}`
    if (action === 'CreateTopic') {
      if (!topics.has(arn)) topics.set(arn, { urls: new Set(), attributes: new Map() })
      return [200, xml(action, `<TopicArn>${arn}</TopicArn>`)]
    }
    if (action === 'DeleteTopic') {
      topics.delete(arn)
      return [200, xml(action, '')]
    }
    if (action === 'Unsubscribe') {
      const url = decodeURIComponent(form.get('SubscriptionArn')?.split(':').at(-1) ?? '')
      for (const { urls } of topics.values()) urls.delete(url)
      return [200, xml(action, '')]
    }
    const one = topics.get(arn)
    if (!one) return [404, problem('NotFound')]
    if (action === 'SetTopicAttributes')
      one.attributes.set(form.get('AttributeName') ?? '', form.get('AttributeValue') ?? '')
    if (action === 'ListSubscriptionsByTopic') {
      const members = [...one.urls].map(
        (url) =>
          `<member><Endpoint>${url}</Endpoint><Protocol>https</Protocol><SubscriptionArn>${arn}:${encodeURIComponent(url)}</SubscriptionArn></member>`,
      )
      return [200, xml(action, `<Subscriptions>${members.join('')}</Subscriptions>`)]
    }
    if (action === 'Subscribe' && form.get('Protocol') === 'https') one.urls.add(form.get('Endpoint') ?? '')
    return [200, xml(action, action === 'Subscribe' ? `<SubscriptionArn>${arn}:1</SubscriptionArn>` : '')]
  }

  function answerSes({ method, path, body }: Exchange): FakeAnswer {
    const missing: FakeAnswer = [404, { __type: 'NotFoundException', message: 'none' }]
    const given = body === '' ? {} : JSON.parse(body)
    if (path === '/v2/email/configuration-sets' && method === 'POST') {
      if (hasSet) return [400, { __type: 'AlreadyExistsException', message: 'there' }]
      hasSet = given.ConfigurationSetName === 'events'
      return [200, {}]
    }
    if (!hasSet) return missing
    if (path === '/v2/email/configuration-sets/events') return [200, { ConfigurationSetName: 'events' }]
    const [, name = given.EventDestinationName] =
      /^\/v2\/email\/configuration-sets\/events\/event-destinations(?:\/(.+))?$/.exec(path) ?? []
    if (method === 'DELETE') return destinations.delete(name) ? [200, {}] : missing
    if (method === 'POST' && destinations.has(name))
      return [400, { __type: 'AlreadyExistsException', message: 'there' }]
    if (method === 'PUT' && !destinations.has(name)) return missing
    destinations.set(name, given.EventDestination)
    return [200, {}]
  }

  return {
    urls: () =>
      [...destinations.values()]
        .filter(({ Enabled, MatchingEventTypes }) => Enabled && MatchingEventTypes.includes('BOUNCE'))
        .flatMap(({ SnsDestination }) => [...(topics.get(SnsDestination.TopicArn)?.urls ?? [])]),
    add(url) {
      hasSet = true
      topics.set(`${account}other`, { urls: new Set([url]), attributes: new Map() })
      destinations.set('other', {
        Enabled: true,
        MatchingEventTypes: ['BOUNCE'],
        SnsDestination: { TopicArn: `${account}other` },
      })
    },
    switchOff() {
      for (const destination of destinations.values()) destination.Enabled = false
    },
    answer(exchange) {
      if (!exchange.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/'))
        return [403, {}]
      return isSns(exchange) ? answerSns(exchange.body) : answerSes(exchange)
    },
  }
}

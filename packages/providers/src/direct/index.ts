import type { Provider } from '../provider.ts'
import { Pools } from '../smtp/pools.ts'
import { checkDirect } from './check.ts'
import { StsPolicies } from './mta-sts.ts'
import type { Ways } from './open-session.ts'
import { createResolver, type Resolver } from './resolver.ts'
import { sendDirectly } from './send.ts'
import {
  type DirectCredentials,
  type DirectSettings,
  directCredentials,
  directSettings,
  directTargets,
} from './settings.ts'

const mailPort = 25

/** The mail servers of the recipients themselves, found through the DNS. Tests give their own DNS, port and authority. */
export function createDirect({
  resolver = createResolver(),
  port = mailPort,
  ca,
}: {
  resolver?: Resolver
  port?: number
  ca?: string
} = {}): Provider<DirectCredentials, DirectSettings> {
  const pools = new Pools()
  const ways: Ways = { resolver, policies: new StsPolicies(resolver), port, ca }
  return {
    id: 'direct',
    description: 'The mail servers of the recipients themselves, without a provider.',
    credentials: directCredentials,
    settings: directSettings,
    capabilities: {
      recipientsMax: 100,
      orders: [],
      rawMime: { recipients: 'envelope', eightBit: true },
      // The limit of most receivers; each announces its own in its greeting.
      messageBytesMax: 25 * 1000 * 1000,
      idempotencyWindowMs: 0,
      answersEachRecipient: true,
      replyToMax: 10,
      inlineImages: true,
      tagsMax: 0,
      metadata: false,
      tellsLimits: false,
    },
    sendsAsGateway: true,
    bouncesByMail: true,
    targets: directTargets,
    keysOnlySign: true,
    send: (message, connection, io) => sendDirectly(message, connection, pools, ways, io),
    check: (connection, io) => checkDirect(connection, ways, io),
    close: () => pools.close(),
  }
}

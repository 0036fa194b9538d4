/** What the operations of the reference are about, in its order. */
export const TAGS = [
  { name: 'Messages', description: 'Send messages and follow their status.' },
  {
    name: 'Connections',
    description: 'Your own accounts at email providers. Your messages are sent through them.',
  },
  {
    name: 'Routes',
    description: 'Rules that say which connections send which messages, and in which order.',
  },
  {
    name: 'Endpoints',
    description: 'URLs of yours that get events, signed, when they happen.',
  },
  {
    name: 'Domains',
    description:
      'Domains that you send from: the DNS records that prove them, and the keys that sign your mail.',
  },
  {
    name: 'SMTP credentials',
    description: 'User names and passwords of programs that send by SMTP.',
  },
  {
    name: 'Events',
    description:
      'All that happens to your messages, in the order in which it was stored. No event is missed.',
  },
  {
    name: 'Suppressions',
    description:
      'Addresses that your mail is not sent to, because of a bounce, a complaint, an unsubscription, or your own wish.',
  },
  {
    name: 'Usage',
    description: 'Your usage, and the limits of your plan.',
  },
  {
    name: 'Inbound',
    description: 'Mail that comes in: which addresses are received for, and what becomes of their mail.',
  },
  {
    name: 'Data',
    description: 'Exports of all your data, and erasure of addresses.',
  },
  {
    name: 'Provider events',
    description: 'The reports of email providers: delivered, bounced, opened and others.',
  },
  { name: 'Audit', description: 'Every change of your tenant: who made it, when, before and after.' },
  {
    name: 'Operator',
    description: 'Tenants, plans and figures, for the operator of the gateway. Keys begin with `lg_admin_`.',
  },
  {
    name: 'Keys',
    description: 'API keys: what each may do, from where, and when it was used.',
  },
  {
    name: 'Egress',
    description: 'The hosts that the gateway connects to for you, by your plan.',
  },
  { name: 'Settings', description: 'Your choices that hold for all your mail.' },
  {
    name: 'Shared pool',
    description:
      'For the operator: the connections that all tenants share, how much each may send through them, and who may not.',
  },
  { name: 'Operations', description: 'Health and metrics of the gateway, and this reference.' },
] as const

export type Tag = (typeof TAGS)[number]['name']

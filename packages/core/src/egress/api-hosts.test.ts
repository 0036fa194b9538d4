import { createPolicy } from '@lettergate/egress/policy'
import { allApiHosts, apiHosts } from '@lettergate/providers/api-hosts'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { expect, test } from 'vitest'

const providers: Record<string, Provider> = createProviders()
const policy = createPolicy({
  owner: 'test',
  plan: [{ protocols: ['https'], hosts: allApiHosts(), ports: [443] }],
  extra: [],
})
/** The settings of each way to the API of a provider. */
const settings: Record<keyof typeof apiHosts, object[]> = {
  ses: [
    { region: 'eu-central-1' },
    { region: 'us-east-1', endpoint: 'fips' },
    { region: 'eu-west-1', endpoint: 'dual-stack' },
    { region: 'us-east-1', endpoint: 'fips-dual-stack' },
    { region: 'cn-north-1' },
    { region: 'us-gov-west-1' },
  ],
  sendgrid: [{}, { region: 'eu' }],
  mailgun: [{ domain: 'mg.acme.example' }, { domain: 'mg.acme.example', region: 'eu' }],
  mandrill: [{}],
  sparkpost: [{}, { region: 'eu' }],
  postmark: [{}],
  resend: [{}],
  brevo: [{}],
  gmail: [{ user: 'me@acme.example' }],
  microsoft365: [{ user: 'me@acme.example', tenant: 'acme.example' }],
}
const cases = Object.entries(settings).flatMap(([id, all]) => all.map((given) => [id, given] as const))

test.each(cases)('the hosts that %s calls with %j are on the list', (id, given) => {
  const provider = providers[id]
  if (!provider) throw new Error(`there is no provider ${id}`)
  const targets = provider.targets(provider.settings.parse(given))
  expect(targets.length).toBeGreaterThan(0)
  for (const target of targets)
    expect([target, policy.judge({ name: target.host }, target).kind]).toEqual([target, 'permitted'])
})

test('every provider is on the list but those that tenants give a server of, and those that have none', () => {
  const apart = ['capture', 'direct', 'smtp']
  expect([...Object.keys(apiHosts), ...apart].sort()).toEqual(Object.keys(providers).sort())
})

test('no pattern of the list lets a customer of a provider choose the host', () => {
  for (const name of [
    'bucket.s3.amazonaws.com',
    'x.execute-api.us-east-1.amazonaws.com',
    'evil.example',
    'a.b.sendgrid.com',
  ])
    expect(policy.judge({ name }, { host: name, port: 443, scheme: 'https' })).toEqual({
      kind: 'refused',
      part: 'host',
    })
})

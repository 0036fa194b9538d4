import { createPolicy } from '@lettergate/egress/policy'
import { allApiHosts, apiHosts } from '@lettergate/providers/api-hosts'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { loadExamples, withoutApi } from '@lettergate/providers/test/examples'
import { expect, test } from 'vitest'

const providers: Record<string, Provider> = createProviders()
const policy = createPolicy({
  owner: 'test',
  plan: [{ protocols: ['https'], hosts: allApiHosts(), ports: [443] }],
  extra: [],
})
const examples = await loadExamples()
const cases = examples.flatMap(([id, { ways }]) => ways.map((given) => [id, given] as const))

test.each(cases)('the hosts that %s calls with %j are on the list', (id, given) => {
  const provider = providers[id]
  if (!provider) throw new Error(`there is no provider ${id}`)
  const targets = provider.targets(provider.settings.parse(given))
  expect(targets.length).toBeGreaterThan(0)
  for (const target of targets)
    expect([target, policy.judge({ name: target.host }, target).kind]).toEqual([target, 'permitted'])
})

test('every provider is on the list but those that tenants give a server of, and those that have none', () => {
  const known = [...Object.keys(apiHosts), ...withoutApi]
  const missing = Object.keys(providers).filter((id) => !known.includes(id))
  expect(missing, 'write the hosts of these in packages/providers/src/api-hosts.ts').toEqual([])
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

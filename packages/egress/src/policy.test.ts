import { afterEach, describe, expect, test } from 'vitest'
import { createEgress } from './egress.ts'
import { Guard } from './guard.ts'
import { createPolicy, type EgressRule } from './policy.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const policyOf = (plan: EgressRule[] | null, extra: EgressRule[] = []) =>
  createPolicy({ owner: 'The plan x', plan, extra })
const https = (...hosts: string[]): EgressRule => ({ protocols: ['https'], hosts })

test.each([
  ['api.acme.example', 'api.acme.example', true],
  ['api.acme.example', 'API.acme.example.', true],
  ['api.acme.example', 'x.api.acme.example', false],
  ['*.acme.example', 'a.b.acme.example', true],
  ['*.acme.example', 'acme.example', false],
  ['*.acme.example', 'evilacme.example', false],
  ['email.*.amazonaws.com', 'email.eu-west-1.amazonaws.com', true],
  ['email.*.amazonaws.com', 'email.a.b.amazonaws.com', false],
  ['email.*.amazonaws.com', 'x.email.eu-west-1.amazonaws.com', false],
  ['bücher.example', 'xn--bcher-kva.example', true],
  ['8.8.8.0/24', '8.8.8.8', true],
  ['8.8.8.0/24', '8.8.4.4', false],
  ['2606:4700::/32', '[2606:4700::1111]', true],
  ['0.0.0.0/0', '10.0.0.1', false],
  ['0.0.0.0/0', '127.1', false],
  ['*.example', 'localhost', false],
])('a rule with the host %s permits %s: %s', (host, asked, ok) => {
  const guard = new Guard({ allow: [] }).under(policyOf([https(host)]))
  expect(guard.check({ host: asked, port: 443, scheme: 'https' }).ok).toBe(ok)
})

test.each(['*', '*.*', 'a*.example', 'x/8', '10.0.0.0/33', 'a b', 'http://x.example', ''])(
  'a rule with the host "%s" is an error, so that nothing is permitted by half of a policy',
  (host) => {
    expect(() => policyOf([https(host)])).toThrow('egress policy')
  },
)

describe('ports', () => {
  const smtp = { host: 'mx.acme.example', scheme: 'smtp' } as const
  test('a rule may name a port that is not usual, but never opens port 25', () => {
    const rule: EgressRule = { protocols: ['smtp'], hosts: ['mx.acme.example'], ports: [25, 2500] }
    const guard = new Guard({ allow: [] }).under(policyOf([], [rule]))
    expect(guard.check({ ...smtp, port: 2500 })).toEqual({ ok: true, rule: 'tenant/0' })
    expect(guard.check({ ...smtp, port: 25 })).toMatchObject({ ok: false, rule: 'usual-ports' })
    expect(guard.check({ ...smtp, port: 587 })).toMatchObject({ ok: false, part: 'port', rule: 'plan' })
  })
  test('what is added for one tenant of a plan with the public internet only adds', () => {
    const guard = new Guard({ allow: [] }).under(
      policyOf(null, [{ ...https('acme.example'), ports: [8443] }]),
    )
    expect(guard.check({ host: 'acme.example', port: 8443, scheme: 'https' }).ok).toBe(true)
    expect(guard.check({ host: 'other.example', port: 443, scheme: 'https' }).ok).toBe(true)
    expect(guard.check({ host: 'other.example', port: 8443, scheme: 'https' }).ok).toBe(false)
  })
})

describe('the addresses of a name', () => {
  const under = (addresses: string[], allow: string[]) =>
    new Guard({ allow, resolve: async () => addresses }).under(policyOf([https('api.acme.example')]))
  test('a permitted name that leads to a private address is refused', async () => {
    const target = { host: 'api.acme.example', port: 443, scheme: 'https' } as const
    expect(await under(['8.8.8.8', '10.0.0.1'], []).lookUp(target)).toMatchObject({ ok: false })
    expect(await under(['8.8.8.8'], []).lookUp(target)).toMatchObject({ ok: true, rule: 'plan/0' })
  })
  test('the list of the operator stands above the policy, for names that lead to listed addresses alone', async () => {
    const target = { host: 'other.example', port: 443, scheme: 'https' } as const
    expect(await under(['10.0.0.1'], ['10.0.0.0/8']).lookUp(target)).toMatchObject({ rule: 'operator-list' })
    expect(await under(['10.0.0.1', '8.8.8.8'], ['10.0.0.0/8']).lookUp(target)).toMatchObject({ ok: false })
  })
})

describe('an open process', () => {
  function start() {
    const state = { permits: true }
    const egress = createEgress({
      allow: [],
      resolve: async () => ['8.8.8.8'],
      policyOf: async (tenantId) => {
        if (tenantId === 'unreadable') throw new Error('the database does not answer')
        return policyOf(state.permits && tenantId === 'a' ? [https('api.acme.example')] : [])
      },
    })
    closing.push(() => egress.close())
    return { egress, state }
  }
  const target = { host: 'api.acme.example', port: 443, scheme: 'https' } as const

  test('a policy that changed holds for the next call, and one tenant’s policy never for another', async () => {
    const { egress, state } = start()
    expect(await egress.forTenant('a').checkTarget(target)).toMatchObject({ ok: true })
    expect(await egress.forTenant('b').checkTarget(target)).toMatchObject({ ok: false, rule: 'plan' })
    const request = { method: 'GET', url: 'https://api.acme.example/', headers: {} } as const
    await expect(egress.forTenant('b').request(request)).rejects.toMatchObject({
      refused: true,
      bodySent: false,
    })
    await expect(egress.forTenant('b').connect(target)).rejects.toMatchObject({ refused: true })
    state.permits = false
    expect(await egress.forTenant('a').checkTarget(target)).toMatchObject({ ok: false, rule: 'plan' })
    await expect(egress.forTenant('a').request(request)).rejects.toMatchObject({ refused: true })
  })

  test('where the policy cannot be read nothing is called, and the failure says that nothing was sent', async () => {
    const { egress } = start()
    const request = { method: 'GET', url: 'https://api.acme.example/', headers: {} } as const
    for (const call of [
      egress.forTenant('unreadable').request(request),
      egress.forTenant('unreadable').connect(target),
    ])
      await expect(call).rejects.toMatchObject({ bodySent: false, refused: false })
  })
})

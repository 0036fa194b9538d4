import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { createDns } from '@lettergate/egress/dns'
import { describe, expect, test } from 'vitest'
import { buildMessage, eventually } from '../../test/build-message.ts'
import { useDomainBed } from '../../test/domain-bed.ts'
import { buildTenant } from '../../test/rows.ts'
import { createMailDomains, type RecipientCheck } from '../domains/index.ts'
import { createAddressesCheck } from './check-addresses.ts'

const { bed } = useDomainBed()

/** Fresh caches, so that a test sees what it has just put into the DNS. */
async function begin(setting?: RecipientCheck) {
  const { db, server } = bed()
  Object.assign(server.zone, {
    'mx.lan0.dev': { MX: ['10 mail.lan0.dev'] },
    'address.lan0.dev': { A: ['192.0.2.1'] },
    'null.lan0.dev': { MX: ['0 '] },
    'none.lan0.dev': { TXT: ['x'] },
    'silent.lan0.dev': { fault: 'silent' },
    'broken.lan0.dev': { fault: 'servfail' },
  })
  const tenantId = await buildTenant(db.pool)
  if (setting)
    await db.prisma.forTenant(tenantId, ({ tenant }) =>
      tenant.updateMany({ where: { id: tenantId }, data: { recipient_domain_check: setting } }),
    )
  const dns = createDns({ allow: [server.address], resolvers: [server.address], port: server.port })
  const check = createAddressesCheck({ tenants: db.tenants, mailDomains: createMailDomains(dns) })
  const judge = (to: string[], change: Partial<NewMessage> = {}, mode: 'live' | 'test' = 'live') =>
    check.judge(
      { id: tenantId, mode },
      buildMessage({
        from: { address: 'app@mx.lan0.dev' },
        to: to.map((address) => ({ address })),
        ...change,
      }),
      '#',
    )
  return { judge, tenantId }
}

describe('domains that are written as placeholders and belong to strangers', () => {
  test.each([['user@domain.com'], ['me@email.com'], ['x@test.com']])(
    '%s is refused, with advice',
    async (address) => {
      const { judge } = await begin()
      expect((await judge(['a@mx.lan0.dev', address])).problem).toMatchObject({
        code: 'validation-failed',
        errors: [{ pointer: '#/to/1', detail: expect.stringContaining('test key') }],
      })
    },
  )

  test('are accepted of a test key, since nothing leaves', async () => {
    const { judge } = await begin()
    expect((await judge(['user@domain.com'], {}, 'test')).problem).toBeNull()
  })

  test('reserved names are accepted unless recipients are checked', async () => {
    const { judge } = await begin()
    expect((await judge(['a@example.net', 'b@acme.example'])).problem).toBeNull()
    const checked = await begin('reject')
    expect((await checked.judge(['a@example.net', 'b@acme.example'])).problem?.errors).toHaveLength(2)
  })
})

describe('the check of recipients', () => {
  const faulty = ['a@null.lan0.dev', 'b@none.lan0.dev', 'c@gone.lan1.dev']
  const good = ['d@mx.lan0.dev', 'e@address.lan0.dev', 'f@broken.lan0.dev']

  test('off: asks nobody', async () => {
    const { judge } = await begin('off')
    const before = bed().server.asked.length
    expect(await judge(['a@null.lan0.dev'])).toEqual({ problem: null, warnings: [] })
    await eventually(async () => (bed().server.asked.length > before ? true : undefined))
    expect(bed().server.asked.slice(before)).toEqual(['MX mx.lan0.dev'])
  })

  test('reject: refuses domains that take no mail, and no others', async () => {
    const { judge } = await begin('reject')
    const { problem } = await judge([...faulty, ...good])
    expect(problem?.errors?.map(({ pointer, detail }) => [pointer, detail])).toEqual([
      ['#/to/0', 'null.lan0.dev takes no mail: it says so itself (null MX)'],
      ['#/to/1', 'none.lan0.dev takes no mail: it has neither an MX record nor an address'],
      ['#/to/2', 'gone.lan1.dev does not exist'],
    ])
    expect((await judge(good)).problem).toBeNull()
  })

  test('warn: accepts them with a warning each', async () => {
    const { judge } = await begin('warn')
    const { problem, warnings } = await judge([...faulty, ...good])
    expect(problem).toBeNull()
    expect(warnings).toHaveLength(3)
  })

  test('a name server that says nothing refuses nobody', async () => {
    const { judge } = await begin('reject')
    expect(await judge(['a@silent.lan0.dev'])).toEqual({ problem: null, warnings: [] })
  })

  test('a domain is looked up once for many messages', async () => {
    const { judge } = await begin('reject')
    const before = bed().server.asked.length
    await Promise.all(Array.from({ length: 20 }, () => judge(['d@mx.lan0.dev'])))
    expect(bed().server.asked.slice(before)).toEqual(['MX mx.lan0.dev'])
  })

  test('a database that does not answer refuses nobody', async () => {
    const silent = {
      forTenant: () => ({
        query: () => new Promise<never>(() => {}),
        transaction: () => new Promise<never>(() => {}),
      }),
      close: async () => {},
    }
    const mailDomains = { ask: async () => 'null-mx' as const, known: () => 'unknown' as const }
    const check = createAddressesCheck({ tenants: silent, mailDomains })
    expect((await check.judge({ id: '1', mode: 'live' }, buildMessage(), '#')).problem).toBeNull()
  })
})

describe('warnings', () => {
  test.each<[string, Partial<NewMessage>, string]>([
    ['a sender that nobody reads', { from: { address: 'no-reply@mx.lan0.dev' } }, 'Set reply_to'],
    ['bulk without unsubscription', { stream: 'bulk' }, 'List-Unsubscribe-Post'],
  ])('%s', async (_name, change, part) => {
    const { judge } = await begin()
    expect((await judge(['d@mx.lan0.dev'], change)).warnings).toEqual([expect.stringContaining(part)])
  })

  test('none where the message has what they ask for', async () => {
    const { judge } = await begin()
    const headers = {
      'List-Unsubscribe': '<https://x.example/u>',
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    }
    const from = { address: 'noreply@mx.lan0.dev' }
    const change = { stream: 'bulk' as const, headers, from, replyTo: [{ address: 'help@mx.lan0.dev' }] }
    expect((await judge(['d@mx.lan0.dev'], change)).warnings).toEqual([])
  })

  test('a sender whose domain takes no mail, once that is known', async () => {
    const { judge } = await begin()
    const change = { from: { address: 'app@none.lan0.dev' } }
    const warnings = await eventually(async () => {
      const judged = await judge(['d@mx.lan0.dev'], change)
      return judged.warnings.length > 0 ? judged.warnings : undefined
    })
    expect(warnings).toEqual([expect.stringContaining('none.lan0.dev takes no mail')])
  })
})

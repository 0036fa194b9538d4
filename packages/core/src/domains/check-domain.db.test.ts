import { describe, expect, test } from 'vitest'
import { useDomainBed } from '../../test/domain-bed.ts'
import { buildTenant } from '../../test/rows.ts'
import { checkDomain } from './check-domain.ts'
import { addDomain, checkNow, deleteDomain, readOwnDomain, rotateKeys } from './manage.ts'
import { openOwnDomains } from './own-domains.ts'

const { bed } = useDomainBed()
const HOUR = 3_600_000
let count = 0
const newName = () => `d${++count}.example`

async function begin(name = newName()) {
  const { db, deps } = bed()
  const tenantId = await buildTenant(db.pool)
  const info = await addDomain(deps, tenantId, name)
  return { tenantId, id: info.domain.id, name, info }
}

async function prove(name?: string, kinds?: readonly string[]) {
  const made = await begin(name)
  bed().publish(made.info, kinds)
  expect(await bed().check(made.tenantId, made.id)).toBe('verified')
  return made
}

const read = ({ tenantId, id }: { tenantId: string; id: string }) => readOwnDomain(bed().deps, tenantId, id)
const open = (tenantId: string) =>
  openOwnDomains({ tenants: bed().db.tenants, sealer: bed().sealer, onError: () => {} }, tenantId)
const provedBy = async (tenantId: string): Promise<string[]> => {
  const { rows } = await bed().db.pool.query<{ proved: string[] }>({
    text: 'select proved_domains($1) as proved',
    values: [tenantId],
  })
  return rows[0]?.proved ?? []
}

describe('a proof', () => {
  test('adding a domain proves nothing', async () => {
    const { tenantId, id, info } = await begin()
    expect(info.domain.state).toBe('not_started')
    expect(await bed().check(tenantId, id)).toBe('pending')
    expect(await provedBy(tenantId)).toEqual([])
    expect(await bed().events(tenantId)).toEqual([])
  })

  test.each([['ownership'], ['dkim']])('its %s record alone is one', async (kind) => {
    const { tenantId, name } = await prove(undefined, [kind])
    expect(await provedBy(tenantId)).toEqual([name])
    expect(await bed().events(tenantId)).toEqual(['domain.verified'])
  })

  test('all records are found as they are wanted, over UDP', async () => {
    const made = await prove()
    const { records, domain } = await read(made)
    expect(records.map(({ wanted: { kind }, stored }) => [kind, stored?.status])).toEqual(
      ['ownership', 'dkim', 'dkim', 'return_path', 'spf', 'dmarc'].map((kind) => [kind, 'verified']),
    )
    expect(domain.has_return_path).toBe(true)
  })

  test('the records of a deleted row prove nothing, and its selectors come never again', async () => {
    const { tenantId, id, name, info } = await prove()
    await deleteDomain(bed().deps, tenantId, id)
    const again = await begin(name)
    expect(await bed().check(again.tenantId, again.id)).toBe('pending')
    const marks = (one: typeof info) => [one.domain.token, ...one.keys.map(({ selector }) => selector)]
    expect(marks(again.info).some((mark) => marks(info).includes(mark))).toBe(false)
    const { rows } = await bed().db.pool.query<{ mark: string }>({
      text: 'select mark from domain_mark where mark = any($1)',
      values: [marks(info)],
    })
    expect(rows).toHaveLength(3)
  })

  test('two checks at the same moment record one event', async () => {
    const { tenantId, id, info } = await begin()
    bed().publish(info)
    const together = Promise.withResolvers<void>()
    let arrived = 0
    const failpoint = () => {
      arrived += 1
      if (arrived === 5) together.resolve()
      return together.promise
    }
    const deps = { ...bed().deps, failpoint }
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => checkDomain(deps, tenantId, id)))
    expect(outcomes.sort()).toEqual([...Array(4).fill('superseded'), 'verified'])
    expect(await bed().events(tenantId)).toEqual(['domain.verified'])
  })

  test('raises the version by which caches see it, a repeat without news does not', async () => {
    const { tenantId, id, info } = await begin()
    const before = await bed().version(tenantId)
    bed().publish(info)
    await bed().check(tenantId, id)
    const after = await bed().version(tenantId)
    expect(after).toBeGreaterThan(before)
    await bed().check(tenantId, id)
    expect(await bed().version(tenantId)).toBe(after)
  })
})

describe('a domain that two tenants want', () => {
  test('stays with the first while its records are there', async () => {
    const first = await prove()
    const second = await begin(first.name)
    bed().publish(second.info, ['dkim'])
    expect(await bed().check(second.tenantId, second.id)).toBe('taken')
    expect((await read(second)).domain).toMatchObject({
      state: 'pending',
      reason: expect.stringContaining('Another tenant'),
    })
    expect(await provedBy(first.tenantId)).toEqual([first.name])
    await expect(checkNow(bed().deps, second.tenantId, second.id)).rejects.toMatchObject({
      code: 'domain-taken',
    })
  })

  test('goes to the second at once when the records of the first are gone, and the first hears of it', async () => {
    const first = await prove()
    const second = await begin(first.name)
    bed().withdraw(first.name)
    bed().publish(second.info)
    expect(await bed().check(second.tenantId, second.id)).toBe('verified')
    expect(await provedBy(first.tenantId)).toEqual([])
    expect(await provedBy(second.tenantId)).toEqual([first.name])
    expect(await bed().events(first.tenantId)).toEqual(['domain.verified', 'domain.failed'])
    expect(await bed().events(second.tenantId)).toEqual(['domain.verified'])
    expect((await read(first)).domain.reason).toContain('Another tenant')
  })

  test('stays with the first while its name servers do not answer', async () => {
    const first = await prove(undefined, ['ownership'])
    const second = await begin(first.name)
    bed().publish(second.info, ['dkim'])
    const [ownership] = first.info.records
    bed().server.zone[ownership?.wanted.name ?? ''] = { fault: 'servfail' }
    expect(await bed().check(second.tenantId, second.id)).toBe('taken')
    expect(await provedBy(first.tenantId)).toEqual([first.name])
  })

  test('is proved by both where the operator lets tenants share', async () => {
    const { deps } = bed()
    const first = await begin()
    const second = await begin(first.name)
    bed().publish(first.info, ['ownership'])
    bed().publish(second.info, ['dkim'])
    const sharing = { ...deps, gateway: { ...deps.gateway, mayShare: true } }
    for (const { tenantId, id } of [first, second])
      expect(await checkDomain(sharing, tenantId, id)).toBe('verified')
  })

  test('a proof covers the names below, except from the nearer name of another tenant on', async () => {
    const above = await prove()
    const before = await bed().version(above.tenantId)
    const domains = await open(above.tenantId)
    expect(domains.domainOf(`a@news.shop.${above.name}`)).toBe(above.name)
    await prove(`shop.${above.name}`)
    expect(await bed().version(above.tenantId)).toBeGreaterThan(before)
    const after = await open(above.tenantId)
    expect(after.domainOf(`a@news.shop.${above.name}`)).toBeNull()
    expect(after.domainOf(`a@news.${above.name}`)).toBe(above.name)
  })
})

describe('records that vanish', () => {
  test('are warned of once and lost a day later, and mail is signed until then', async () => {
    const made = await prove()
    bed().withdraw(made.name)
    const outcomes = []
    for (let hours = 0; hours <= 26; hours++) {
      outcomes.push(await bed().check(made.tenantId, made.id))
      if (hours === 20) expect((await open(made.tenantId)).keysOf(`a@${made.name}`)).toHaveLength(2)
      bed().clock.now += HOUR
    }
    expect(outcomes.indexOf('failed')).toBe(25)
    expect(await bed().events(made.tenantId)).toEqual(['domain.verified', 'domain.warned', 'domain.failed'])
    expect((await open(made.tenantId)).keysOf(`a@${made.name}`)).toEqual([])
    expect((await read(made)).domain.next_check_at).not.toBeNull()
  })
})

describe('keys', () => {
  test('of a verified domain sign for it, RSA first; of a deleted one nothing does', async () => {
    const { tenantId, id, name } = await prove()
    const keys = (await open(tenantId)).keysOf(`app@mail.${name}`)
    expect(keys.map(({ domain, selector }) => [domain, selector.at(-1)])).toEqual([
      [name, 'r'],
      [name, 'e'],
    ])
    const before = await bed().version(tenantId)
    await deleteDomain(bed().deps, tenantId, id)
    expect(await bed().version(tenantId)).toBeGreaterThan(before)
    expect((await open(tenantId)).keysOf(`app@${name}`)).toEqual([])
  })

  test('are replaced an hour after the new ones are seen, and the private part of the old ones is erased', async () => {
    const { deps } = bed()
    const made = await prove()
    const before = (await open(made.tenantId)).keysOf(`a@${made.name}`).map(({ selector }) => selector)
    const rotated = await rotateKeys(deps, made.tenantId, made.id)
    await expect(rotateKeys(deps, made.tenantId, made.id)).rejects.toMatchObject({ code: 'wrong-state' })
    const selectors = async () =>
      (await open(made.tenantId)).keysOf(`a@${made.name}`).map(({ selector }) => selector)
    await bed().check(made.tenantId, made.id)
    expect(await selectors()).toEqual(before)
    bed().publish(rotated)
    await bed().check(made.tenantId, made.id)
    expect(await selectors()).toEqual(before)
    bed().clock.now += HOUR
    await bed().check(made.tenantId, made.id)
    const after = await selectors()
    expect(after).toHaveLength(2)
    expect(after.some((selector) => before.includes(selector))).toBe(false)
    const { rows } = await bed().db.pool.query<{ state: string; erased: boolean }>({
      text: 'select state, sealed_key is null as erased from domain_key where domain_id = $1 and selector = any($2)',
      values: [made.id, before],
    })
    expect(rows).toEqual([
      { state: 'old', erased: true },
      { state: 'old', erased: true },
    ])
    bed().clock.now += 8 * 24 * HOUR
    const shown = (await read(made)).records.filter(({ wanted }) => wanted.need === 'remove')
    expect(shown.map(({ wanted }) => wanted.key?.state)).toEqual(['old', 'old'])
    for (const { wanted } of shown) delete bed().server.zone[wanted.name]
    await bed().check(made.tenantId, made.id)
    expect((await read(made)).keys.map(({ state }) => state)).toEqual(['active', 'active'])
  })

  test('a database that is stolen shows no private key', async () => {
    const { tenantId, name } = await prove()
    const [key] = (await open(tenantId)).keysOf(`a@${name}`)
    const secret = key?.private_key.reveal() ?? ''
    expect(secret.length).toBeGreaterThan(1_000)
    const { rows } = await bed().db.pool.query<{ text: string }>({
      text: `select string_agg(k::text || encode(sealed_key, 'escape'), ' ') as text from domain_key k where tenant_id = $1`,
      values: [tenantId],
    })
    expect(rows[0]?.text).not.toContain(secret.slice(100, 140))
  })
})

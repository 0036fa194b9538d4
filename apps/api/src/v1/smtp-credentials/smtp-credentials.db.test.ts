import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.close())

const create = (body: object = {}, key?: string) =>
  api.call('POST', '/v1/smtp-credentials', { body, ...(key && { key }) })

describe('/v1/smtp-credentials', () => {
  it('shows the password once, and it needs no quotes in any file', async () => {
    const created = await create({ name: 'shop', networks: ['10.0.0.0/8'], from_domains: ['acme.example'] })
    expect(created).toMatchObject({
      status: 201,
      json: { name: 'shop', mode: 'live', networks: ['10.0.0.0/8'], last_used_at: null, revoked_at: null },
    })
    expect(created.json.username).toMatch(/^lgu_[0-9a-hjkmnp-tv-z]{26}$/)
    expect(created.json.secret).toMatch(/^[0-9A-Za-z]{32}$/)
    const { secret, ...rest } = created.json
    const path = `/v1/smtp-credentials/${created.json.id}`
    expect((await api.call('GET', path)).json).toEqual(rest)
    const texts = [await api.call('GET', path), await api.call('GET', '/v1/smtp-credentials')].map(
      ({ text }) => text,
    )
    for (const text of texts) expect(text).not.toContain(String(secret))
    const { rows } = await api.db.pool.query('select sealed_secret from smtp_credential')
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(String(secret)).toString('hex'))
  })

  it.each([
    ['a network that is none', { networks: ['10.0.0.0/33'] }, '#/networks/0'],
    ['a name in place of a network', { networks: ['mail.acme.example'] }, '#/networks/0'],
    ['a domain that is none', { from_domains: ['acme'] }, '#/from_domains/0'],
    ['a scope that SMTP does not have', { scopes: ['admin'] }, '#/scopes/0'],
    ['a field that does not exist', { username: 'me' }, '#/username'],
  ])('refuses %s, and says where', async (_what, body, pointer) => {
    expect(await create(body)).toMatchObject({ status: 422, json: { errors: [{ pointer }] } })
  })

  it('changes what is given, and revokes for good', async () => {
    const { json } = await create({ name: 'a', networks: ['10.0.0.1'] })
    const path = `/v1/smtp-credentials/${json.id}`
    expect((await api.call('PATCH', path, { body: { name: 'b' } })).json).toMatchObject({
      name: 'b',
      networks: ['10.0.0.1'],
      revoked_at: null,
    })
    const { json: revoked } = await api.call('PATCH', path, { body: { revoked: true } })
    expect(revoked.revoked_at).toEqual(expect.any(String))
    expect((await api.call('PATCH', path, { body: { revoked: true } })).json.revoked_at).toBe(
      revoked.revoked_at,
    )
    expect((await api.call('PATCH', path, { body: { revoked: false } })).status).toBe(422)
    expect((await api.call('DELETE', path)).status).toBe(204)
    expect((await api.call('GET', path)).status).toBe(404)
  })

  it('prints settings for every program, with the user name and without a password', async () => {
    const { json } = await create()
    const settings = await api.call('GET', `/v1/smtp-credentials/${json.id}/settings`)
    expect(settings).toMatchObject({
      status: 200,
      json: { host: '127.0.0.1', ports: { starttls: [2525, 2587], tls: [2465] }, username: json.username },
    })
    const programs = settings.json.programs as { program: string; text: string }[]
    expect(programs.map(({ program }) => program)).toEqual([
      ...['postfix', 'exim', 'msmtp', 'php', 'phpmailer', 'django'],
      ...['wordpress', 'drupal', 'rails', 'nodemailer', 'spring', 'printer'],
    ])
    for (const { program, text } of programs.filter((one) => one.program !== 'php')) {
      expect(text, program).toContain(String(json.username))
      expect(text, program).toContain('YOUR_PASSWORD')
    }
  })

  it('test keys have logins of their own, and a tenant has 100 at most', async () => {
    const { testKey, liveKey } = await api.addTenant()
    const made = await create({}, testKey)
    expect(made.json.mode).toBe('test')
    expect((await api.call('GET', `/v1/smtp-credentials/${made.json.id}`, { key: liveKey })).status).toBe(404)
    await api.db.pool.query(
      `insert into smtp_credential (tenant_id, id, mode, sealed_secret, data_key_version)
       select tenant_id, gen_random_uuid(), 'live', sealed_secret, data_key_version from smtp_credential, generate_series(1, 98)
       where mode = 'test'`,
    )
    const answers = await Promise.all([1, 2, 3].map(() => create({}, liveKey)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
  })
})

import { afterEach, describe, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp } from '../../test/smtp-peer.ts'
import { createSmtp } from './index.ts'
import { type PresetName, presetNames, presets } from './presets.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const targetsOf = (settings: object) => {
  const smtp = createSmtp()
  return smtp.targets(smtp.settings.parse(settings))
}

describe('the server of a preset', () => {
  test.each([
    [{ preset: 'ses', region: 'eu-central-1' }, 'email-smtp.eu-central-1.amazonaws.com', 2587],
    [{ preset: 'sendgrid' }, 'smtp.sendgrid.net', 2525],
    [{ preset: 'mailgun' }, 'smtp.mailgun.org', 2525],
    [{ preset: 'mailgun-eu' }, 'smtp.eu.mailgun.org', 2525],
    [{ preset: 'mandrill' }, 'smtp.mandrillapp.com', 2525],
    [{ preset: 'sparkpost' }, 'smtp.sparkpostmail.com', 2525],
    [{ preset: 'sparkpost-eu' }, 'smtp.eu.sparkpostmail.com', 2525],
    [{ preset: 'postmark' }, 'smtp.postmarkapp.com', 2525],
    [{ preset: 'resend' }, 'smtp.resend.com', 2587],
    [{ preset: 'brevo' }, 'smtp-relay.brevo.com', 2525],
    [{ preset: 'gmail' }, 'smtp.gmail.com', 587],
    [{ preset: 'microsoft365' }, 'smtp.office365.com', 587],
    [{ preset: 'resend', tls: 'implicit' }, 'smtp.resend.com', 2465],
    [{ preset: 'sendgrid', port: 465 }, 'smtp.sendgrid.net', 465],
    [{ preset: 'sendgrid', host: 'smtp.eu.sendgrid.net' }, 'smtp.eu.sendgrid.net', 2525],
    [{ preset: 'postmark', host: 'relay.example.com', port: 25 }, 'relay.example.com', 25],
  ])('%o', (settings, host, port) => {
    expect(targetsOf(settings)[0]).toEqual({ host, port, scheme: 'smtp' })
  })

  test('token hosts are included', () => {
    const hosts = (settings: object) => targetsOf(settings).map(({ host }) => host)
    expect(hosts({ preset: 'gmail' })).toEqual(['smtp.gmail.com', 'oauth2.googleapis.com'])
    expect(hosts({ preset: 'microsoft365' })).toEqual(['smtp.office365.com', 'login.microsoftonline.com'])
    expect(hosts({ host: 'a.example', port: 587, token_url: 'https://id.example/token' })).toEqual([
      'a.example',
      'id.example',
    ])
  })

  test('presets use only ports that the egress policy permits to public hosts', () => {
    const ports = Object.values(presets).flatMap((preset) => preset.ports.map(({ port }) => port))
    expect([...new Set(ports)].sort()).toEqual([2465, 2525, 2587, 465, 587])
  })
})

test.each([
  [{}, ['host', 'port']],
  [{ host: 'a.example' }, ['port']],
  [{ preset: 'nobody' }, ['preset']],
  [{ preset: 'ses' }, ['region']],
  [{ preset: 'ses', region: 'Europe' }, ['region']],
  [{ preset: 'resend', region: 'eu-west-1' }, ['region']],
  [{ preset: 'postmark', port: 465 }, ['port']],
  [{ preset: 'sendgrid', port: 465, tls: 'starttls' }, ['tls']],
  [{ preset: 'sendgrid', tls: 'none' }, ['tls']],
])('settings %o are refused at %o', (settings, paths) => {
  const { error } = createSmtp().settings.safeParse(settings)
  expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(paths)
})

test.each([
  [{ username: 'x' }, ['password']],
  [{ username: 'x', password: 'y', oauth2: { client_id: 'i', client_secret: 's' } }, ['password']],
  [{ oauth2: { client_id: 'i', client_secret: 's' } }, ['username']],
  [{ username: 'x', oauth2: { client_id: 'i' } }, ['oauth2.client_secret']],
  [{ username: 'x', oauth2: { refresh_token: 'r' } }, ['oauth2.client_id']],
  [{ username: 'x', oauth2: { client_email: 'a@b.example' } }, ['oauth2.private_key']],
  [{ username: 'x', oauth2: { client_id: 'i', client_secret: 's', tenant: 'a/b' } }, ['oauth2.tenant']],
])('credentials %# are refused at %o', (credentials, paths) => {
  const { error } = createSmtp().credentials.safeParse(credentials)
  expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(paths)
})

describe('the user name of the login', () => {
  async function nameUsed(preset: PresetName, credentials: object) {
    const peer = await playSmtp({ ehlo: ['AUTH PLAIN'] })
    const smtp = createSmtp()
    cleanups.push(
      () => smtp.close?.(),
      () => peer.close(),
    )
    const settings = { preset, host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
    const connection = {
      id: 'con_1',
      credentials: smtp.credentials.parse(credentials),
      settings: smtp.settings.parse(settings),
    }
    const outcome = await smtp.send(buildOutboundMessage(), connection, createTestIo())
    const auth = peer.commands.find((line) => line.startsWith('AUTH PLAIN '))
    if (auth === undefined) return outcome
    return Buffer.from(auth.slice('AUTH PLAIN '.length), 'base64').toString().split('\0')[1]
  }

  test.each([
    ['sendgrid', 'apikey'],
    ['resend', 'resend'],
    ['sparkpost', 'SMTP_Injection'],
    ['sparkpost-eu', 'SMTP_Injection'],
    ['postmark', 'the-key'],
    ['mandrill', 'lettergate'],
  ] as const)('%s: %s', async (preset, name) => {
    expect(await nameUsed(preset, { password: 'the-key' })).toBe(name)
    expect(await nameUsed(preset, { username: 'own', password: 'the-key' })).toBe('own')
  })

  test.each(presetNames.filter((name) => ['address', 'shown'].includes(String(presets[name].user))))(
    '%s has no usual name: the missing name is reported, and nothing is sent',
    async (preset) => {
      expect(await nameUsed(preset, { password: 'the-key' })).toMatchObject({
        kind: 'rejected',
        code: 'provider-settings-wrong',
        reason: 'a user name is needed beside the password',
      })
    },
  )
})

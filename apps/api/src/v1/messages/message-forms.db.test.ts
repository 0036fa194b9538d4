import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../../test/api.ts'

let api: TestApi
const connections: Record<string, string> = {}
const base_url = 'http://127.0.0.1:9'
const accounts: Record<string, { settings: object; credentials: object }> = {
  smtp: { settings: { host: '127.0.0.1', port: 9, tls: 'none', allow_insecure: true }, credentials: {} },
  sendgrid: { settings: { base_url }, credentials: { api_key: 'SG.x' } },
  resend: { settings: { base_url }, credentials: { api_key: 're_x' } },
}
beforeAll(async () => {
  api = await startTestApi({ egressAllow: ['127.0.0.1'] })
  for (const [provider, account] of Object.entries(accounts)) {
    const { json } = await api.call('POST', '/v1/connections', {
      body: { provider, name: provider, ...account },
    })
    connections[provider] = String(json.id)
  }
})
afterAll(() => api.close())

const message = { from: 'app@acme.example', to: 'user@example.net', subject: 'Hello', text: 'Hi' }
const ics = { filename: 'invite.ics', content: 'QkVHSU46VkNBTEVOREFS' }
const invitation = [{ ...ics, content_type: 'text/calendar; method=REQUEST; charset=utf-8' }]
const amp = [{ ...ics, filename: 'amp.html', content_type: 'text/x-amp-html' }]

const send = (change: object, provider?: string) =>
  api.call('POST', '/v1/send', {
    body: { ...message, ...change, ...(provider !== undefined && { connection: connections[provider] }) },
  })

describe('POST /v1/send', () => {
  it.each<[string, object, { smtp: 202 | string; sendgrid: 202 | string; resend: 202 | string }]>([
    ['22 an invitation', { attachments: invitation }, { smtp: 202, sendgrid: 202, resend: 202 }],
    [
      '22 an AMP part',
      { html: '<p>Hi</p>', attachments: amp },
      { smtp: 202, sendgrid: 202, resend: '#/attachments/0/content_type' },
    ],
    [
      '23 blind copies alone',
      { to: undefined, bcc: ['a@example.net', 'b@example.net'] },
      { smtp: 202, sendgrid: 202, resend: 202 },
    ],
    [
      '23 an empty to beside a copy',
      { to: [], cc: 'a@example.net' },
      { smtp: 202, sendgrid: 202, resend: 202 },
    ],
    ['24 no subject', { subject: '' }, { smtp: 202, sendgrid: '#/subject', resend: '#/subject' }],
    [
      '24 a file alone',
      { text: '', attachments: [{ filename: 'scan.pdf', content: 'JVBERg==' }] },
      { smtp: 202, sendgrid: '#/text', resend: '#/text' },
    ],
    [
      '25 odd dots',
      { to: ['a..b@example.net', '.a@docomo.example'] },
      { smtp: 202, sendgrid: 202, resend: '#/to' },
    ],
    [
      '25 a quoted address',
      { to: '"quoted local"@example.net' },
      { smtp: 202, sendgrid: '#/to', resend: '#/to' },
    ],
  ])(
    '%s is accepted for connections that can carry it, and refused with the reason for the others',
    async (_what, change, expected) => {
      for (const [provider, wanted] of Object.entries(expected)) {
        const { status, json } = await send(change, provider)
        const shown = status === 202 ? 202 : [status, json.code, json.errors]
        const refusal = [
          422,
          'field-not-supported',
          [{ pointer: wanted, detail: expect.stringMatching(/provider/) }],
        ]
        expect([provider, shown]).toEqual([provider, wanted === 202 ? 202 : refusal])
      }
      // Without a name, one connection of all that can is enough.
      expect((await send(change)).status).toBe(202)
    },
  )

  it('23 a message without to, cc and bcc is refused', async () => {
    expect(await send({ to: [], cc: [], bcc: [] })).toMatchObject({
      status: 422,
      json: { code: 'validation-failed', errors: [{ pointer: '#/to' }] },
    })
  })

  it('22 shows the mail with the invitation as its last form', async () => {
    const { json } = await send({ html: '<p>Hi</p>', attachments: [...amp, ...invitation] }, 'smtp')
    const { text } = await api.call('GET', `/v1/messages/${json.id}/raw`)
    expect([...text.matchAll(/^Content-Type: ([a-z/-]+)/gm)].map(([, type]) => type)).toEqual([
      ...['multipart/mixed', 'multipart/alternative', 'text/plain', 'text/x-amp-html', 'text/html'],
      ...['text/calendar', 'application/ics'],
    ])
  })

  it('25 finds a message by every spelling of its quoted address', async () => {
    const { json } = await send({ to: '"find me"@example.net' }, 'smtp')
    const find = (recipient: string) => api.call('GET', `/v1/messages?to=${encodeURIComponent(recipient)}`)
    for (const recipient of ['"find me"@example.net', '"find\\ me"@EXAMPLE.net']) {
      const found = await find(recipient)
      expect(found).toMatchObject({ status: 200, json: { data: [{ id: json.id }] } })
    }
  })
})

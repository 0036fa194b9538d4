import { parseSendRequest } from '@lettergate/contracts/messages/send-request'
import { createProviders } from '@lettergate/providers/registry'
import { describe, expect, test } from 'vitest'
import { acceptRow } from '../accept/index.ts'
import { asksMore, cannotCarry, carriedOfNew, carriedOfStored } from './capabilities.ts'

const { capture, smtp, direct, ses, sendgrid, mailgun, mandrill, sparkpost, ...others } = createProviders()
const { postmark, resend, brevo, gmail, microsoft365 } = others
const providers = [
  ...[capture, smtp, direct, ses, sendgrid, mailgun, mandrill, sparkpost],
  ...[postmark, resend, brevo, gmail, microsoft365],
]
const good = { from: 'app@acme.example', to: 'user@example.net', subject: 'Hello', html: '<p>Hi</p>' }
const file = { filename: 'a.ics', content: 'QkVHSU46VkNBTEVOREFS' }
const attach = (content_type: string) => ({ attachments: [{ ...file, content_type }] })
const invitation = attach('text/calendar; method=REQUEST; charset=utf-8')

const byApi = ['sendgrid', 'postmark', 'resend', 'brevo']
const plainOnly = [...['mailgun', 'mandrill', 'sparkpost', 'postmark', 'resend', 'brevo', 'microsoft365']]

describe('providers that cannot carry', () => {
  test.each<[string, object, string[], string]>([
    ['22 an invitation', invitation, ['brevo'], '/attachments/0/content_type'],
    [
      '22 an answer to one',
      attach('text/calendar;charset="UTF-8";method=REPLY'),
      ['brevo'],
      '/attachments/0/content_type',
    ],
    ['22 a calendar that is a file', attach('text/calendar'), [], ''],
    [
      '22 an AMP part',
      attach('text/x-amp-html; charset=utf-8'),
      ['mandrill', 'postmark', 'resend', 'brevo', 'microsoft365'],
      '/attachments/0/content_type',
    ],
    ['23 copies alone', { to: [], cc: 'c@example.net', bcc: 'b@example.net' }, [], ''],
    ['24 no subject', { subject: undefined }, ['sendgrid', 'resend', 'brevo'], '/subject'],
    ['24 files alone', { html: '', attachments: [{ ...file, filename: 'a.pdf' }] }, byApi, '/text'],
    ['25 odd dots', { to: 'a..b@docomo.example' }, plainOnly, '/to'],
    ['25 odd dots in quotes', { to: '".a"@docomo.example' }, plainOnly, '/to'],
    [
      '25 a quoted address',
      { bcc: '"quoted local"@example.net' },
      ['ses', 'sendgrid', 'gmail', ...plainOnly],
      '/bcc',
    ],
    [
      '25 a quoted author',
      { from: '"a,b"@acme.example' },
      ['ses', 'sendgrid', 'gmail', ...plainOnly],
      '/from',
    ],
    ['25 quotes that need not be', { to: '"ann"@example.net' }, [], ''],
  ])('%s', (_what, change, unable, pointer) => {
    const message = parseSendRequest({ ...good, ...change })
    const carried = carriedOfNew(message)
    const issues = providers.flatMap(({ id, capabilities }) => {
      const issue = cannotCarry(capabilities, carried)
      return issue ? [[id, issue.code, issue.pointer]] : []
    })
    expect(issues.toSorted()).toEqual(unable.map((id) => [id, 'field-not-supported', pointer]).toSorted())
    // Otherwise no provider would be asked.
    if (unable.length > 0) expect(asksMore(carried)).toBe(true)
    const stored = carriedOfStored(JSON.parse(acceptRow('id', message).document))
    expect(providers.map(({ capabilities }) => cannotCarry(capabilities, stored))).toEqual(
      providers.map(({ capabilities }) => cannotCarry(capabilities, carried)),
    )
  })
})

import { expect, test } from 'vitest'
import { answered } from '../../test/http-peer.ts'
import { knownAnswers } from '../../test/known-answers.ts'
import { toOutcome as brevo } from '../brevo/outcome.ts'
import { toOutcome as gmail } from '../gmail/outcome.ts'
import { toOutcome as mailgun } from '../mailgun/outcome.ts'
import { toOutcome as mandrill } from '../mandrill/outcome.ts'
import { toUnsent } from '../microsoft365/outcome.ts'
import { toOutcome as postmark } from '../postmark/outcome.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'
import { toOutcome as resend } from '../resend/outcome.ts'
import { toOutcome as sendgrid } from '../sendgrid/outcome.ts'
import { toOutcome as ses } from '../ses/outcome.ts'
import { toOutcome as sparkpost } from '../sparkpost/outcome.ts'
import { classOf } from './failures.ts'

const now = new Date('2026-11-20T10:00:00Z')
const all = ['a@x.example', 'b@x.example']
type Own = { body(code: string, message: string): object; judge(response: HttpResponse): SendOutcome }

/** How each provider writes a refusal, and who reads it. */
const providers: Record<string, Own> = {
  ses: { body: (code, message) => ({ __type: code, message }), judge: (response) => ses(response, now) },
  sendgrid: {
    body: (field, message) => ({ errors: [{ message, field: field || null }] }),
    judge: (response) => sendgrid(response, now, { to: all, cc: [], bcc: [] }),
  },
  mailgun: { body: (_code, message) => ({ message }), judge: (response) => mailgun(response, now) },
  mandrill: {
    body: (name, message) => ({ status: 'error', code: -1, name, message }),
    judge: (response) => mandrill(response, now, all),
  },
  sparkpost: {
    body: (code, message) => ({ errors: [{ message, code }] }),
    judge: (response) => sparkpost(response, now, all),
  },
  postmark: {
    body: (code, Message) => ({ ErrorCode: Number(code), Message }),
    judge: (response) => postmark(response, now, all),
  },
  resend: { body: (name, message) => ({ name, message }), judge: (response) => resend(response, now) },
  brevo: { body: (code, message) => ({ code, message }), judge: (response) => brevo(response, now) },
  gmail: {
    body: (reason, message) => ({ error: { message, errors: [{ reason }] } }),
    judge: (response) => gmail(response, now),
  },
  microsoft365: {
    body: (code, message) => ({ error: { code, message } }),
    judge: (response) => toUnsent(response, now),
  },
}

const rows = Object.entries(knownAnswers).flatMap(([id, known]) =>
  known.flatMap(({ rows, source }) => rows.map((row) => [id, ...row, source] as const)),
)

test.each(rows)('cases 1-4, 21: %s %d %s "%s" is %s', (id, status, code, message, is) => {
  const own = providers[id]
  expect(own?.judge(answered(status, own.body(code, message)))).toMatchObject({ code: is })
})

test('every provider has known answers, each with a source', () => {
  expect(Object.keys(knownAnswers)).toEqual(Object.keys(providers))
  expect(rows.length).toBeGreaterThanOrEqual(120)
  for (const row of rows) expect(row.at(-1)).toMatch(/^https:|^met by/)
})

const ofAccounts = [
  'Your account has been suspended',
  'Sending is paused for this account',
  'The subaccount is disabled',
  'Not enough credits',
  'The daily sending limit is reached',
  'Please upgrade your plan',
  'The sender address is not allowed',
  'The domain x.example is unverified',
  'IP 192.0.2.1 is not authorized',
  'The template does not exist',
]

test.each(Object.keys(providers))(
  '%s: words about the account, the sender, the credit, an IP or a template never end a message',
  (id) => {
    const own = providers[id]
    const ended = ofAccounts.filter((message) => {
      const outcome = own?.judge(answered(400, own.body(id === 'postmark' ? '999' : '', message)))
      return outcome?.kind !== 'deferred' && !(outcome?.kind === 'rejected' && outcome.scope === 'account')
    })
    expect(ended).toEqual([])
  },
)

test.each(Object.keys(providers))('%s: an unrecognised refusal is tried on one other connection', (id) => {
  const own = providers[id]
  const outcome = own?.judge(answered(400, own.body(id === 'postmark' ? '999' : '', 'blorp')))
  expect(outcome).toMatchObject({ kind: 'rejected', code: 'refusal-unrecognised' })
  expect(outcome?.kind === 'rejected' && classOf(outcome.code).elsewhere).toBe('once')
})

test('case 4: a used-up rate per second is retried after a second, a used-up day after ten minutes', () => {
  const wait = (message: string) => ses(answered(429, { __type: 'TooManyRequestsException', message }), now)
  expect(wait('Maximum sending rate exceeded.')).toMatchObject({ retryAfterMs: 1_000 })
  expect(wait('Daily message quota exceeded.')).toMatchObject({ retryAfterMs: 600_000 })
})

test('case 21: sparkpost reports one of several as suppressed: each recipient gets a single call', () => {
  const outcome = sparkpost(
    answered(400, { errors: [{ code: '1902', message: 'Message generation rejected' }] }),
    now,
    all,
  )
  expect(outcome).toMatchObject({ code: 'recipient-refused' })
  expect(outcome).not.toHaveProperty('refused')
})

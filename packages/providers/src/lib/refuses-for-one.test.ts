import { expect, test } from 'vitest'
import { answered } from '../../test/http-peer.ts'
import { toOutcome as brevo } from '../brevo/outcome.ts'
import { toOutcome as gmail } from '../gmail/outcome.ts'
import { toOutcome as mailgun } from '../mailgun/outcome.ts'
import { toUnsent as microsoft365 } from '../microsoft365/outcome.ts'
import { toOutcome as postmark } from '../postmark/outcome.ts'
import type { HttpResponse, SendOutcome } from '../provider.ts'
import { toOutcome as resend } from '../resend/outcome.ts'
import { toOutcome as sendgrid } from '../sendgrid/outcome.ts'
import { toOutcome as ses } from '../ses/outcome.ts'
import { toOutcome as sparkpost } from '../sparkpost/outcome.ts'
import { classOf } from './failures.ts'

const now = new Date()
const all = ['a@x.example', 'b@x.example', 'c@x.example']
type Judge = (response: HttpResponse) => SendOutcome
type Row = [provider: string, judge: Judge, status: number, body: object]

const toSparkpost: Judge = (response) => sparkpost(response, now, all)
const toPostmark: Judge = (response) => postmark(response, now, all)
const toSendgrid: Judge = (response) => sendgrid(response, now, { to: all, cc: [], bcc: [] })
const field = (name: string) => ({ errors: [{ message: 'Does not contain a valid address.', field: name }] })

const unnamed: Row[] = [
  [
    'brevo',
    (response) => brevo(response, now),
    400,
    { code: 'invalid_parameter', message: 'email is not valid in to' },
  ],
  [
    'gmail',
    (response) => gmail(response, now),
    400,
    { error: { status: 'INVALID_ARGUMENT', message: 'Invalid To header' } },
  ],
  [
    'mailgun',
    (response) => mailgun(response, now),
    400,
    { message: 'to parameter is not a valid address. please check documentation' },
  ],
  [
    'microsoft365',
    (response) => microsoft365(response, now),
    400,
    { error: { code: 'ErrorInvalidRecipients', message: 'At least one recipient is not valid.' } },
  ],
  ['postmark', toPostmark, 422, { ErrorCode: 300, Message: "Invalid 'To' address: 'x'." }],
  ['postmark', toPostmark, 422, { ErrorCode: 406, Message: 'You tried to send to inactive recipients.' }],
  [
    'resend',
    (response) => resend(response, now),
    422,
    { name: 'validation_error', message: 'Invalid `to` field. The email address needs to follow …' },
  ],
  ['resend', (response) => resend(response, now), 422, { name: 'invalid_to_address', message: 'x' }],
  ['sendgrid', toSendgrid, 400, field('personalizations.0.to.7.email')],
  [
    'ses',
    (response) => ses(response, now),
    400,
    { __type: 'BadRequestException', message: "Missing final '@domain'" },
  ],
  ['sparkpost', toSparkpost, 422, { errors: [{ message: 'Invalid recipients', code: '5002' }] }],
]

test.each(unnamed)(
  '%s refuses all because of an unnamed recipient: each recipient gets a single call',
  (_id, judge, status, body) => {
    const outcome = judge(answered(status, body))
    expect(outcome.kind === 'rejected' && classOf(outcome.code).mayBeOneOfMany).toBe(true)
    expect(outcome).not.toHaveProperty('refused')
  },
)

const named: Row[] = [
  ['postmark', toPostmark, 422, { ErrorCode: 406, Message: 'Inactive addresses: b@x.example.' }],
  ['sendgrid', toSendgrid, 400, field('personalizations.0.to.1.email')],
  [
    'sparkpost',
    toSparkpost,
    422,
    { errors: [{ message: 'Invalid email address', description: "'B@x.example'", code: 5001 }] },
  ],
]

test.each(named)(
  '%s refuses all because of a named recipient: the others share a call',
  (_id, judge, status, body) => {
    expect(judge(answered(status, body))).toMatchObject({
      kind: 'rejected',
      scope: 'message',
      code: 'recipient-refused',
      refused: [{ address: 'b@x.example', kind: 'rejected', code: 'recipient-refused' }],
    })
  },
)

test('sparkpost that accepted no recipient has refused each of them, and none is tried again', () => {
  const bodies = [
    { errors: [{ message: 'At least one valid recipient is required', code: '5002' }] },
    { results: { id: '1', total_accepted_recipients: 0, total_rejected_recipients: 3 } },
  ]
  for (const [index, body] of bodies.entries())
    expect(sparkpost(answered(index === 0 ? 422 : 200, body), now, all)).toMatchObject({
      kind: 'rejected',
      refused: all.map((address) => ({ address })),
    })
})

const ofAll: Row[] = [
  [
    'resend',
    (response) => resend(response, now),
    422,
    { name: 'missing_required_field', message: 'Missing `to` field.' },
  ],
  ['resend', (response) => resend(response, now), 422, { name: 'invalid_attachment', message: 'x' }],
  ['ses', (response) => ses(response, now), 400, { __type: 'BadRequestException', message: 'Empty body' }],
  ['sendgrid', toSendgrid, 400, field('subject')],
  ['postmark', toPostmark, 422, { ErrorCode: 300, Message: "Invalid 'ReplyTo' address." }],
]

test.each(ofAll)(
  '%s refuses a message for its content: no recipient gets a single call',
  (_id, judge, status, body) => {
    const outcome = judge(answered(status, body))
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'message-refused' })
  },
)

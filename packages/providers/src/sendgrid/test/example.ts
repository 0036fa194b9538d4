import type { Example } from '../../../test/example.ts'
import {
  account,
  content,
  credentials,
  permission,
  quota,
  recipient,
  sender,
  settings,
  unknown,
} from '../../../test/known-answer.ts'
import { toOutcome } from '../outcome.ts'

const field = (name: string) => ({ errors: [{ message: 'Does not contain a valid address.', field: name }] })

export const example: Example = {
  credentials: { api_key: 'SG.123' },
  ways: [{}, { region: 'eu' }],
  accepts: { status: '202 Accepted', headers: ['x-message-id: abc'], body: '' },
  judge: (response, now, to) => toOutcome(response, now, { to, cc: [], bcc: [] }),
  refusal: (field, message) => ({ errors: [{ message, field: field || null }] }),
  knownAnswers: [
    {
      source: 'https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors',
      rows: [
        [
          400,
          'personalizations',
          'Each unique email address in the personalizations array should only be included once.',
          recipient,
        ],
        [
          400,
          'personalizations.0',
          'Each email address in the personalization block should be unique between to, cc, and bcc.',
          recipient,
        ],
        [400, 'personalizations.0.to.0.email', 'Does not contain a valid address.', recipient],
        [400, 'from.email', 'The from email does not contain a valid address.', sender],
        [400, 'subject', 'The subject is required.', content],
        [
          400,
          'content.0.value',
          'The content value must be a string at least one character in length.',
          content,
        ],
        [400, 'attachments.0.content', 'The attachment content must be base64 encoded.', content],
        [400, 'template_id', 'The template_id must be a valid GUID', settings],
        [413, '', 'Payload Too Large', 'message-too-large'],
      ],
    },
    {
      source:
        'https://support.sendgrid.com/hc/en-us/articles/18322114821403-4XX-API-Errors-and-Troubleshooting-Suggestions',
      rows: [
        [401, '', 'Maximum credits exceeded', quota],
        [403, '', 'You have exceeded your messaging limits', quota],
        [
          403,
          'from',
          'The from address does not match a verified Sender Identity. Mail cannot be sent.',
          sender,
        ],
        [401, '', 'The provided authorization grant is invalid, expired, or revoked', credentials],
        [401, '', 'Permission denied, wrong credentials', credentials],
        [403, '', 'access forbidden', permission],
        [403, '', 'Your account is temporarily under review', account],
        [400, '', 'Your IP address is not whitelisted', permission],
        [400, '', 'Subusers must be assigned an IP: please upgrade your plan', account],
        [400, '', 'Bad Request', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [[400, field('personalizations.0.to.7.email')]],
    named: [[400, field('personalizations.0.to.1.email')]],
    ofAll: [[400, field('subject')]],
  },
}

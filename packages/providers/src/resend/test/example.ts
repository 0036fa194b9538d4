import type { Example } from '../../../test/example.ts'
import {
  account,
  content,
  credentials,
  permission,
  quota,
  rate,
  recipient,
  sender,
  unknown,
} from '../../../test/known-answer.ts'
import { toOutcome } from '../outcome.ts'

export const example: Example = {
  credentials: { api_key: 're_123' },
  ways: [{}],
  accepts: { body: { id: 'abc' } },
  judge: toOutcome,
  refusal: (name, message) => ({ name, message }),
  knownAnswers: [
    {
      source: 'https://resend.com/docs/api-reference/errors',
      rows: [
        [
          403,
          'validation_error',
          'The x.example domain is not verified. Please, add and verify your domain',
          sender,
        ],
        [
          403,
          'validation_error',
          'You can only send testing emails to your own email address (me@x.example).',
          'provider-sandbox',
        ],
        [403, 'invalid_api_key', 'API key is invalid', credentials],
        [401, 'restricted_api_key', 'This API key is restricted to only send emails', permission],
        [422, 'invalid_from_address', 'Invalid `from` field.', sender],
        [
          422,
          'validation_error',
          'Invalid `to` field. The email address needs to follow the format.',
          recipient,
        ],
        [
          422,
          'validation_error',
          'Invalid `from` field. The email address needs to follow the format.',
          sender,
        ],
        [422, 'invalid_attachment', 'Attachment must have either a content or path', content],
        [422, 'missing_required_field', 'Missing `subject` field.', content],
        [429, 'daily_quota_exceeded', 'You have reached your daily email sending quota', quota],
        [429, 'monthly_quota_exceeded', 'You have reached your monthly email sending quota', quota],
        [429, 'rate_limit_exceeded', 'Too many requests', rate],
        [451, 'security_error', 'We may have found a security issue', account],
        [422, 'nothing_known', 'x', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [
      [422, { name: 'validation_error', message: 'Invalid `to` field. The email address needs to follow …' }],
      [422, { name: 'invalid_to_address', message: 'x' }],
    ],
    ofAll: [
      [422, { name: 'missing_required_field', message: 'Missing `to` field.' }],
      [422, { name: 'invalid_attachment', message: 'x' }],
    ],
  },
}

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
  settings,
  unknown,
} from '../../../test/known-answer.ts'
import { toOutcome } from '../outcome.ts'

export const example: Example = {
  credentials: { api_key: 'xkeysib-1' },
  ways: [{}],
  accepts: { status: '201 Created', body: { messageId: '<1@smtp-relay.example.com>' } },
  judge: toOutcome,
  refusal: (code, message) => ({ code, message }),
  knownAnswers: [
    {
      source: 'https://developers.brevo.com/docs/how-it-works#error-codes',
      rows: [
        [400, 'invalid_parameter', 'email is not valid in to', recipient],
        [400, 'missing_parameter', 'sender is missing', sender],
        [400, 'invalid_parameter', 'valid sender email required', sender],
        [402, 'not_enough_credits', 'Not enough credits', quota],
        [401, 'unauthorized', 'Key not found', credentials],
        [
          401,
          'unauthorized',
          'We have detected you are using an unrecognised IP address 192.0.2.1',
          permission,
        ],
        [403, 'permission_denied', 'Your SMTP account is not yet activated', account],
        [403, 'permission_denied', 'Your account has been suspended', account],
        [400, 'account_under_validation', 'Your account is under validation', account],
        [400, 'invalid_parameter', 'subject is blank', content],
        [400, 'invalid_parameter', 'template is not active', settings],
        [429, 'too_many_requests', 'x', rate],
        [400, 'invalid_parameter', 'unexpected recipients: want atleast 1, got 0', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [[400, { code: 'invalid_parameter', message: 'email is not valid in to' }]],
  },
}

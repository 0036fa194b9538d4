import type { Example } from '../../../test/example.ts'
import { account, content, credentials, rate, sender, settings, unknown } from '../../../test/known-answer.ts'
import { toOutcome } from '../outcome.ts'

export const example: Example = {
  credentials: { api_key: 'md-123' },
  ways: [{}],
  accepts: { body: [{ email: 'reader@example.org', status: 'sent', _id: 'abc123' }] },
  judge: toOutcome,
  refusal: (name, message) => ({ status: 'error', code: -1, name, message }),
  knownAnswers: [
    {
      source:
        'https://github.com/mailchimp/mailchimp-client-lib-codegen/blob/main/spec/transactional.openapi.json',
      rows: [
        [500, 'Invalid_Key', 'Invalid API key', credentials],
        [500, 'ValidationError', 'You must specify a key value', credentials],
        [
          500,
          'ValidationError',
          'Validation error: {"message":{"from_email":"An email address must contain a single @"}}',
          sender,
        ],
        [500, 'ValidationError', 'Validation error: {"message":{"to":"not a list"}}', content],
        [500, 'PaymentRequired', 'The requested feature requires payment.', account],
        [500, 'Unknown_Subaccount', 'No subaccount exists with the id "x"', settings],
        [500, 'Unknown_Pool', 'The dedicated IP pool does not exist.', settings],
        [500, 'Unknown_Template', 'No such template "welcome"', settings],
        [500, 'ServiceUnavailable', 'The subsystem is down for maintenance.', 'provider-unavailable'],
        [429, 'RequestLimitExceeded', 'Too many requests', rate],
        [500, 'GeneralError', 'An unexpected error occurred', 'outcome-unknown'],
        [400, 'Nothing_Known', 'x', unknown],
      ],
    },
  ],
}

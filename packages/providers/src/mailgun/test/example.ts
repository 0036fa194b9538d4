import type { Example } from '../../../test/example.ts'
import {
  account,
  content,
  credentials,
  met,
  quota,
  rate,
  recipient,
  sender,
  settings,
  unknown,
} from '../../../test/known-answer.ts'
import { toOutcome } from '../outcome.ts'

export const example: Example = {
  credentials: { api_key: 'key-123' },
  ways: [{ domain: 'mg.example.com' }, { domain: 'mg.example.com', region: 'eu' }],
  accepts: { body: { id: '<a@mg.example.com>', message: 'Queued. Thank you.' } },
  judge: toOutcome,
  refusal: (_code, message) => ({ message }),
  knownAnswers: [
    {
      source: met,
      rows: [
        [400, '', "'to' parameter is not a valid address. please check documentation", recipient],
        [400, '', 'to parameter is not a valid address. please check documentation', recipient],
        [400, '', "'cc' parameter is not a valid address. please check documentation", recipient],
        [400, '', "'from' parameter is not a valid address. please check documentation", sender],
        [400, '', 'from parameter is not a valid address. please check documentation', sender],
        [
          403,
          '',
          'Domain s.mailgun.org is not allowed to send: Sandbox subdomains are for test purposes only.',
          'provider-sandbox',
        ],
        [
          403,
          '',
          'Domain s.mailgun.org is not allowed to send: Free accounts are for test purposes only.',
          'provider-sandbox',
        ],
        [403, '', 'Domain x.example is not allowed to send: Please activate your Mailgun account.', account],
        [403, '', 'Domain x.example is not allowed to send: Account Terminated', account],
        [
          403,
          '',
          'Domain x.example is not allowed to send: The domain is unverified and requires DNS configuration.',
          sender,
        ],
        [402, '', 'Payment required', account],
        [404, '', 'Domain not found: x.example', settings],
        [401, '', 'Forbidden', credentials],
      ],
    },
    {
      source: 'https://github.com/mailgun/documentation/blob/master/source/api-sending.rst#error-codes',
      rows: [
        [400, '', 'Need at least one of ‘text’ or ‘html’ parameters specified', content],
        [400, '', 'Too many recipients, max is 1000', content],
        [400, '', 'Header name must be pure ASCII: x-é', content],
        [400, '', 'template with name "welcome" not found', settings],
        [403, '', 'Message limit reached for today', quota],
        [429, '', 'recipient limit exceeded, try again after 60 s', rate],
        [400, '', 'Nothing we know', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [[400, { message: 'to parameter is not a valid address. please check documentation' }]],
  },
}

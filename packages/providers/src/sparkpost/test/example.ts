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
  credentials: { api_key: 'key-123' },
  ways: [{}, { region: 'eu' }],
  accepts: {
    body: { results: { total_rejected_recipients: 0, total_accepted_recipients: 1, id: '116' } },
  },
  judge: toOutcome,
  refusal: (code, message) => ({ errors: [{ message, code }] }),
  knownAnswers: [
    {
      source: 'https://support.sparkpost.com/docs/tech-resources/extended-error-codes',
      rows: [
        [
          400,
          '1902',
          'Message generation rejected: recipient address was suppressed due to system policy',
          recipient,
        ],
        [400, '1902', 'Message generation rejected', recipient],
        [400, '7001', 'No sending domain specified', sender],
        [400, '7001', 'Unconfigured Sending Domain <x.example>', sender],
        [400, '7000', 'Sending domain blacklisted', sender],
        [420, '2101', 'Exceed Sending Limit (hourly)', quota],
        [420, '2103', 'Exceed Sending Limit (sandbox)', quota],
        [422, '2106', 'Invalid Template ID (sandbox)', 'provider-sandbox'],
        [403, '1601', 'No license', account],
        [403, '1100', 'permission denied', permission],
        [401, '1303', 'Invalid customer id, unauthorized tenant.', credentials],
        [400, '1502', 'Server resources unavailable', 'provider-unavailable'],
        [422, '1400', 'Required field is missing', content],
        [422, '3002', 'Invalid header', content],
        [400, '2009', 'Unconfigured tracking domain', settings],
        [429, '', 'Too many requests', rate],
        [409, '1602', 'Resource in use', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [[422, { errors: [{ message: 'Invalid recipients', code: '5002' }] }]],
    named: [
      [422, { errors: [{ message: 'Invalid email address', description: "'B@x.example'", code: 5001 }] }],
    ],
  },
}

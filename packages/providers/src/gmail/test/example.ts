import { type Example, token } from '../../../test/example.ts'
import {
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
  credentials: { client_id: 'app-1', client_secret: 'secret-1', refresh_token: '1//refresh-1' },
  ways: [{ user: 'app@acme.example' }],
  addressed: (url) => ({ base_url: url, token_url: `${url}/token` }),
  before: { '/token': token },
  accepts: { body: { id: '18c9a1f2b3d4e5f6', threadId: '18c9a1f2b3d4e5f6', labelIds: ['SENT'] } },
  judge: toOutcome,
  refusal: (reason, message) => ({ error: { message, errors: [{ reason }] } }),
  knownAnswers: [
    {
      source: 'https://developers.google.com/workspace/gmail/api/guides/handle-errors',
      rows: [
        [400, 'invalidArgument', 'Invalid To header', recipient],
        [400, 'invalidArgument', 'Invalid to header', recipient],
        [400, 'invalidArgument', 'Invalid From header', sender],
        [400, 'failedPrecondition', 'Mail service not enabled', settings],
        [403, 'forbidden', 'Delegation denied for writer@x.example', permission],
        [403, 'domainPolicy', 'The domain administrators have disabled Gmail apps.', permission],
        [403, 'insufficientPermissions', 'Request had insufficient authentication scopes.', permission],
        [403, 'dailyLimitExceeded', 'Daily Limit Exceeded', quota],
        [
          429,
          'rateLimitExceeded',
          'User-rate limit exceeded. Retry after 2026-11-20T10:05:00.000Z (Mail sending)',
          quota,
        ],
        [429, 'userRateLimitExceeded', 'User Rate Limit Exceeded', rate],
        [401, 'authError', 'Invalid Credentials', credentials],
        [422, '', 'x', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [[400, { error: { status: 'INVALID_ARGUMENT', message: 'Invalid To header' } }]],
  },
}

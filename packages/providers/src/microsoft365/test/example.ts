import { type Example, token } from '../../../test/example.ts'
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
import { toDraft, toUnsent } from '../outcome.ts'

/** Graph answers a draft with the whole of it. */
const draft = {
  status: '201 Created',
  body: {
    id: 'AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A',
    internetMessageId: '<DB7PR01MB1@eurprd01.prod.outlook.com>',
    subject: 'Hello from the gateway',
    isDraft: true,
    body: { contentType: 'html', content: `<p>${'lorem ipsum dolor '.repeat(60)}</p>` },
    toRecipients: [{ emailAddress: { name: '', address: 'reader@example.org' } }],
    ccRecipients: [],
    bccRecipients: [],
  },
}

export const example: Example = {
  credentials: { client_id: 'app-1', client_secret: 'secret-1' },
  ways: [{ user: 'app@acme.example', tenant: 'acme.example' }],
  addressed: (url) => ({ base_url: url, login_url: url }),
  before: { '/token': token, '/messages': draft },
  accepts: { status: '202 Accepted', body: '' },
  judge: toUnsent,
  readsBesides: [toDraft],
  refusal: (code, message) => ({ error: { code, message } }),
  knownAnswers: [
    {
      source:
        'https://learn.microsoft.com/en-us/exchange/client-developer/web-service-reference/responsecode',
      rows: [
        [
          403,
          'ErrorSendAsDenied',
          'The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.',
          sender,
        ],
        [400, 'ErrorExceededMessageLimit', 'The message limit is exceeded.', quota],
        [400, 'ErrorSubmissionQuotaExceeded', 'The quota of submissions is exceeded.', quota],
        [403, 'ErrorAccountSuspend', 'Account suspended. Follow the instructions in your inbox.', account],
        [403, 'ErrorMessageSubmissionBlocked', 'The mailbox is blocked from sending.', account],
        [403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.', permission],
        [401, 'InvalidAuthenticationToken', 'Access token has expired.', credentials],
        [
          404,
          'MailboxNotEnabledForRESTAPI',
          'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
          settings,
        ],
        [400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.', recipient],
        [400, 'ErrorMimeContentInvalidBase64String', 'Invalid base64.', content],
        [
          400,
          'ErrorMessageSizeExceeded',
          'The message exceeds the maximum supported size.',
          'message-too-large',
        ],
        [429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.', rate],
        [400, 'ErrorNothingKnown', 'x', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [
      [400, { error: { code: 'ErrorInvalidRecipients', message: 'At least one recipient is not valid.' } }],
    ],
  },
}

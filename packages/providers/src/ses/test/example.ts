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
  credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret' },
  ways: [
    { region: 'eu-central-1' },
    { region: 'us-east-1', endpoint: 'fips' },
    { region: 'eu-west-1', endpoint: 'dual-stack' },
    { region: 'us-east-1', endpoint: 'fips-dual-stack' },
    { region: 'cn-north-1' },
    { region: 'us-gov-west-1' },
  ],
  accepts: { body: { MessageId: '0100018b5c3c0a4f-000000' } },
  judge: toOutcome,
  refusal: (code, message) => ({ __type: code, message }),
  knownAnswers: [
    {
      source: 'https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html',
      rows: [
        [400, 'AccountSuspendedException', 'Your account has been shut down.', account],
        [400, 'SendingPausedException', 'Sending is paused.', account],
        [400, 'AccountSendingPausedException', 'Email sending is disabled for your account.', account],
        [400, 'ConfigurationSetSendingPausedException', 'Sending is disabled for this set.', account],
        [400, 'MailFromDomainNotVerifiedException', 'The MAIL FROM domain is not verified.', sender],
        [400, 'FromEmailAddressNotVerifiedException', 'The address is not verified.', sender],
        [
          400,
          'ConfigurationSetDoesNotExistException',
          'Configuration set <events> does not exist.',
          settings,
        ],
        [404, 'NotFoundException', 'Configuration set <events> does not exist.', settings],
        [429, 'TooManyRequestsException', 'Too many requests.', rate],
        [400, 'LimitExceededException', 'Too many instances.', rate],
      ],
    },
    {
      source: 'https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html',
      rows: [
        [400, 'BadRequestException', 'Configuration set <events> does not exist.', settings],
        [
          400,
          'MessageRejected',
          'Sending paused for this account. For more information, please check the inbox.',
          account,
        ],
        [
          400,
          'MessageRejected',
          'Sending suspended for this account. For more information, see your inbox.',
          account,
        ],
        [400, 'MessageRejected', 'Email address is not verified.', sender],
        [400, 'Throttling', 'Maximum sending rate exceeded.', rate],
        [400, 'Throttling', 'Daily message quota exceeded.', quota],
        [429, 'TooManyRequestsException', 'Daily message quota exceeded.', quota],
        [400, 'LimitExceededException', 'Daily message quota exceeded', quota],
        [429, 'TooManyRequestsException', 'Maximum sending rate exceeded.', rate],
        [400, 'InvalidParameterValue', "Missing final '@domain'", recipient],
        [400, 'InvalidParameterValue', 'Address blacklisted.', recipient],
        [403, 'AccessDeniedException', 'User is not authorized to perform ses:SendEmail', permission],
        [403, 'SignatureDoesNotMatch', 'The request signature does not match.', credentials],
        [400, 'MessageRejected', 'Bad content detected: virus', content],
        [400, 'MessageRejected', 'Something that nobody has heard of', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [[400, { __type: 'BadRequestException', message: "Missing final '@domain'" }]],
    ofAll: [[400, { __type: 'BadRequestException', message: 'Empty body' }]],
  },
}

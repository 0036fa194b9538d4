import type { FailureCode } from '../src/lib/failures.ts'

/** One answer as its provider gives it: code and words, the class that it is, and where it is documented or was met. */
export type KnownAnswer = readonly [status: number, code: string, message: string, is: FailureCode]

type Known = { source: string; rows: readonly KnownAnswer[] }

const sender = 'provider-sender-refused'
const account = 'provider-account-suspended'
const quota = 'provider-quota-used-up'
const rate = 'provider-rate-limited'
const settings = 'provider-settings-wrong'
const permission = 'provider-permission-missing'
const credentials = 'provider-credentials-refused'
const recipient = 'recipient-refused'
const content = 'message-refused'
const unknown = 'refusal-unrecognised'
const met = 'met by users of the provider, and reported in public'

/** Read by known-answers.test.ts, which judges each by its provider's own table. */
export const knownAnswers: Record<string, readonly Known[]> = {
  ses: [
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
  sendgrid: [
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
  mailgun: [
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
  mandrill: [
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
  sparkpost: [
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
  postmark: [
    {
      source: 'https://postmarkapp.com/developer/api/overview#error-codes',
      rows: [
        [401, '10', 'Request does not contain a valid Server token.', credentials],
        [422, '300', "Invalid 'From' address: 'x'.", sender],
        [422, '300', "Error parsing 'To': Illegal email address 'x'.", recipient],
        [422, '300', 'Provide either email TextBody or HtmlBody or both.', content],
        [422, '400', "The 'From' address you supplied is not a Sender Signature.", sender],
        [422, '401', "The 'From' address is not confirmed.", sender],
        [422, '405', 'You have exceeded your credits.', quota],
        [422, '406', 'You tried to send to a recipient that has been marked as inactive.', recipient],
        [422, '411', 'Forbidden attachment type', content],
        [
          422,
          '412',
          "While your account is pending approval, all recipient addresses must share the same domain as the 'From' address.",
          'provider-sandbox',
        ],
        [422, '413', 'Your account may not send.', account],
        [422, '1101', 'The template is not found.', settings],
        [422, '1235', 'The message stream does not exist.', settings],
        [422, '100', 'Maintenance', 'provider-unavailable'],
        [422, '999', 'Nothing we know', unknown],
      ],
    },
  ],
  resend: [
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
  brevo: [
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
  gmail: [
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
  microsoft365: [
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
}

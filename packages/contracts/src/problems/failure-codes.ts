type FailureKind = {
  /** Short and the same every time, for people. */
  title: string
  /** One sentence for the reference: what the provider said or did. */
  summary: string
}

/** Every way in which an attempt ends without being accepted. Each code has a page in docs/problems; tests keep them and the providers' own list equal. */
export const failures = {
  'provider-rate-limited': {
    title: 'Provider rate limit reached',
    summary: 'The provider accepts no more messages from this account for the moment.',
  },
  'provider-quota-used-up': {
    title: "Provider's quota used up",
    summary: 'The account has used up its daily, monthly or prepaid quota at the provider.',
  },
  'provider-unavailable': {
    title: 'Provider not available',
    summary: 'The provider answered that it cannot accept messages now.',
  },
  'provider-unreachable': {
    title: 'Provider not reachable',
    summary: 'No connection to the provider was possible, or it broke before the message was sent.',
  },
  'provider-tls-failed': {
    title: 'TLS connection failed',
    summary: 'The certificate of the server is not valid, or the server offers no encryption.',
  },
  'provider-credentials-refused': {
    title: 'Credentials refused',
    summary: 'The provider rejected the user name, password, key or token of this connection.',
  },
  'provider-permission-missing': {
    title: 'Permission missing',
    summary: 'The credentials are valid, but have no permission to send.',
  },
  'provider-account-suspended': {
    title: 'Account suspended or not active',
    summary: 'The provider has stopped this account from sending, or has not activated it yet.',
  },
  'provider-settings-wrong': {
    title: 'Connection settings wrong',
    summary: 'The settings of this connection do not match the account at the provider.',
  },
  'provider-egress-refused': {
    title: 'Host not permitted',
    summary: 'This gateway is not permitted to connect to the host or port in the settings.',
  },
  'provider-address-blocked': {
    title: 'IP address of the gateway blocked',
    summary: 'The server refuses mail from the IP address of this gateway.',
  },
  'provider-sender-refused': {
    title: 'Sender refused',
    summary: 'The provider does not allow this account to send from the address in `from`.',
  },
  'sending-host-refused': {
    title: 'Gateway rejected by a mail server',
    summary:
      "The recipient's mail server rejects this gateway: its address, its name or its permission to send.",
  },
  'provider-sandbox': {
    title: 'Account in the sandbox',
    summary: 'The account is new or on trial, and can send to verified recipients only.',
  },
  'provider-cannot-express': {
    title: 'Provider cannot send this message',
    summary: "The provider's API cannot express a part of this message.",
  },
  'connection-busy': {
    title: 'Connection busy',
    summary: 'All sessions of the connection were in use for too long; this message was not sent.',
  },
  'recipient-deferred': {
    title: 'Recipient temporarily unavailable',
    summary: "The recipient's mail server asked to try again later.",
  },
  'refusal-unrecognised': {
    title: 'Rejected for an unrecognised reason',
    summary:
      'The provider rejected the message permanently, with an answer that Lettergate does not recognise.',
  },
  'message-refused': {
    title: 'Message refused',
    summary: 'The provider rejected the content, the form or a file of this message.',
  },
  'message-too-large': {
    title: 'Message too large',
    summary: 'The encoded message is larger than the provider accepts.',
  },
  'recipient-refused': {
    title: 'Recipient refused',
    summary: 'The address does not exist, or its server refuses mail for it.',
  },
  'outcome-unknown': {
    title: 'Outcome unknown',
    summary:
      'The whole message was sent, but no readable answer came back: the provider may have accepted it.',
  },
} as const satisfies Record<string, FailureKind>

export type FailureCode = keyof typeof failures

/** All codes, in the order of the table. */
export const failureCodes = Object.keys(failures).filter(isFailureCode)

/** Where the page of a failure is, relative to the API's own address. */
export function failureHelp(code: FailureCode): string {
  return `/problems/${code}`
}

/** Narrows a text, such as one read back from the database, to a code of the table. */
export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(failures, text)
}

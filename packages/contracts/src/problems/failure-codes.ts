type FailureKind = {
  /** Short and the same every time, for people. */
  title: string
  /** One sentence for the reference: what the provider said or did. */
  summary: string
}

/** Every way in which an attempt ends without being accepted. Each code has a page in docs/problems; tests keep them and the providers' own list equal. */
export const failures = {
  'provider-rate-limited': {
    title: 'Provider asks to wait',
    summary: 'The provider takes no more messages from this account at this moment.',
  },
  'provider-quota-used-up': {
    title: "Provider's quota used up",
    summary: 'The account has sent as much as its provider permits for the day, the month or the credit.',
  },
  'provider-unavailable': {
    title: 'Provider not available',
    summary: 'The provider answered that it cannot take messages now; this one was surely not taken.',
  },
  'provider-unreachable': {
    title: 'Provider not reachable',
    summary: 'No connection to the provider could be made, or it broke before the message had left.',
  },
  'provider-tls-failed': {
    title: 'No safe connection to the provider',
    summary: 'The certificate of the server does not hold, or it offers no encryption.',
  },
  'provider-credentials-refused': {
    title: 'Credentials refused',
    summary: 'The provider does not accept the user name, password, key or token of this connection.',
  },
  'provider-permission-missing': {
    title: 'Permission missing',
    summary: 'The credentials are good, but may not do what sending needs.',
  },
  'provider-account-suspended': {
    title: 'Account may not send',
    summary: 'The provider has stopped this account from sending, or has not activated it yet.',
  },
  'provider-settings-wrong': {
    title: 'Settings do not fit',
    summary: 'The settings of this connection lead to the wrong place at the provider.',
  },
  'provider-egress-refused': {
    title: 'Host not permitted',
    summary: 'This gateway may not connect to the host or port in the settings.',
  },
  'provider-address-blocked': {
    title: 'Address of the gateway blocked',
    summary: 'The server takes no mail from the IP address that this connection sends from.',
  },
  'provider-sender-refused': {
    title: 'Sender refused',
    summary: 'The provider does not let this account send from the address in `from`.',
  },
  'sending-host-refused': {
    title: 'Gateway refused by a mail server',
    summary:
      "The recipient's mail server refuses this gateway: its address, its name or its right to send there.",
  },
  'provider-sandbox': {
    title: 'Account in a sandbox',
    summary: 'The account is new or on trial, and reaches verified recipients only.',
  },
  'provider-cannot-express': {
    title: 'Provider cannot carry this',
    summary: "The provider's API has no way to say something that this message contains.",
  },
  'connection-busy': {
    title: 'Connection busy',
    summary:
      'All sessions that the connection may hold were in use for too long; this message was not begun.',
  },
  'recipient-deferred': {
    title: 'Recipient not reachable now',
    summary: "The recipient's side, or the server on its behalf, said to try again later.",
  },
  'refusal-unrecognised': {
    title: 'Refused for a reason that is not recognised',
    summary:
      'The provider refused for good, in words that are not known here; one other connection that stands ready is tried.',
  },
  'message-refused': {
    title: 'Message refused',
    summary: 'The provider does not take what this message says: its content, its form or a file.',
  },
  'message-too-large': {
    title: 'Message too large',
    summary: 'The whole message, encoded, is larger than the provider takes.',
  },
  'recipient-refused': {
    title: 'Recipient refused',
    summary: 'The address does not exist, or its server does not take mail for it.',
  },
  'outcome-unknown': {
    title: 'Outcome unknown',
    summary: 'The message went out whole, and no readable answer came back: it may have been taken.',
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

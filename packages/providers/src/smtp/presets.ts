import {
  brevoFields,
  mailgunFields,
  mandrillFields,
  postmarkFields,
  resendFields,
  sendgridFields,
  sesFields,
  sparkpostFields,
  type ToFields,
} from './preset-fields.ts'

export type TlsMode = 'implicit' | 'starttls' | 'opportunistic' | 'none'
export type Port = { port: number; tls: TlsMode }

/** The submission service of a provider. */
export type Preset = {
  host: string
  /** In the order to try: other ports that networks do not block come first. */
  ports: readonly Port[]
  /**
   * The name to log in with: always this one, the same as the password, any name, an own address, or the name that the provider
   * shows.
   */
  user: { is: string } | 'password' | 'any' | 'address' | 'shown'
  /** The token host for XOAUTH2, and the scope of the request. */
  oauth2?: Oauth2Endpoint
  /** Header fields that it reads itself; absent: it has none. */
  headers?: ToFields
  /** Messages by one connection, where the provider asks for fewer than is usual. */
  messagesMax?: number
  /** Advice on its name and password, in whole sentences. */
  login: string
}

/** `{tenant}` and `{region}` are replaced by the values of the credentials and the settings. */
export type Oauth2Endpoint = { tokenUrl: string; userScope: string | undefined; appScope: string }

export const presetNames = [
  'ses',
  'sendgrid',
  'mailgun',
  'mailgun-eu',
  'mandrill',
  'sparkpost',
  'sparkpost-eu',
  'postmark',
  'resend',
  'brevo',
  'gmail',
  'microsoft365',
] as const

export type PresetName = (typeof presetNames)[number]

const on = (tls: TlsMode, ...ports: number[]): Port[] => ports.map((port) => ({ port, tls }))
const p2525 = on('starttls', 2525)
const p587 = on('starttls', 587)
const p465 = on('implicit', 465)
const p2587 = [...on('starttls', 2587), ...on('implicit', 2465), ...p587, ...p465]

/** An account of one region is not known in the other. */
const mailgun = (host: string, login: string): Preset => ({
  host,
  ports: [...p2525, ...p587, ...p465],
  user: 'address',
  headers: mailgunFields,
  login: `The name is a whole address such as postmaster@ and the domain, and name and password are those of the SMTP credentials of that domain. ${login}`,
})

// https://developers.sparkpost.com/api/smtp/
const sparkpost = (host: string, login: string): Preset => ({
  host,
  ports: [...p2525, ...p587],
  user: { is: 'SMTP_Injection' },
  headers: sparkpostFields,
  messagesMax: 100,
  login: `The password is an API key that has the permission “Send via SMTP”. ${login}`,
})

export const presets: Record<PresetName, Preset> = {
  // https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html
  ses: {
    host: 'email-smtp.{region}.amazonaws.com',
    ports: p2587,
    user: 'shown',
    headers: sesFields,
    login:
      'Name and password are SMTP credentials made in the SES console for this region; an access key of AWS is not one.',
  },
  // https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api
  sendgrid: {
    host: 'smtp.sendgrid.net',
    ports: [...p2525, ...p587, ...p465],
    user: { is: 'apikey' },
    headers: sendgridFields,
    login: 'The name is the word apikey, and the password is an API key that may send mail.',
  },
  // https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp
  mailgun: mailgun('smtp.mailgun.org', 'A domain of the EU is only known to the preset mailgun-eu.'),
  'mailgun-eu': mailgun('smtp.eu.mailgun.org', 'A domain of the US is only known to the preset mailgun.'),
  // https://mailchimp.com/developer/transactional/docs/smtp-integration/
  mandrill: {
    host: 'smtp.mandrillapp.com',
    ports: [...p2525, ...p587, ...p465],
    user: 'any',
    headers: mandrillFields,
    login: 'The password is any active API key; the name is not looked at.',
  },
  sparkpost: sparkpost(
    'smtp.sparkpostmail.com',
    'An account of the EU is only known to the preset sparkpost-eu.',
  ),
  'sparkpost-eu': sparkpost(
    'smtp.eu.sparkpostmail.com',
    'An account of the US is only known to the preset sparkpost.',
  ),
  // https://postmarkapp.com/developer/user-guide/send-email-with-smtp
  postmark: {
    host: 'smtp.postmarkapp.com',
    ports: [...p2525, ...p587],
    user: 'password',
    headers: postmarkFields,
    login:
      'Name and password are both the server token, or access key and secret key of an SMTP token of the stream.',
  },
  // https://resend.com/docs/send-with-smtp
  resend: {
    host: 'smtp.resend.com',
    ports: p2587,
    user: { is: 'resend' },
    headers: resendFields,
    login: 'The name is the word resend, and the password is an API key.',
  },
  // https://developers.brevo.com/docs/smtp-integration
  brevo: {
    host: 'smtp-relay.brevo.com',
    ports: [...p2525, ...p587, ...p465],
    user: 'shown',
    headers: brevoFields,
    login: 'Name and password are the SMTP login and an SMTP key of the account; an API key is not one.',
  },
  // https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
  gmail: {
    host: 'smtp.gmail.com',
    ports: [...p587, ...p465],
    user: 'address',
    oauth2: {
      tokenUrl: 'https://oauth2.googleapis.com/token',
      userScope: undefined,
      appScope: 'https://mail.google.com/',
    },
    login:
      'The name is the whole address, and the password is an app password of that account; the password of the account itself is not taken.',
  },
  // https://learn.microsoft.com/en-us/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
  microsoft365: {
    host: 'smtp.office365.com',
    ports: p587,
    user: 'address',
    oauth2: {
      tokenUrl: 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token',
      userScope: 'https://outlook.office.com/SMTP.Send offline_access',
      appScope: 'https://outlook.office365.com/.default',
    },
    login: 'The name is the whole address of the mailbox, and authenticated SMTP must be enabled for it.',
  },
}

/** Where a server may be reached, in the order to try. */
export const usualPorts: readonly Port[] = [...p587, ...p465, ...p2525, ...p2587.slice(0, 2)]

import type { FailureCode } from '../lib/failures.ts'
import { type PresetName, presets, type TlsMode, usualPorts } from './presets.ts'

/** Facts about a failed check. */
export type Situation = {
  code: FailureCode
  /** The server's own text, or the failure of the connection. */
  reason: string
  host: string
  port: number
  tls: TlsMode
  preset?: PresetName | undefined
  byToken: boolean
}

type Row = {
  reason?: RegExp
  host?: RegExp
  port?: RegExp
  tls?: RegExp
  byToken?: boolean
  say(situation: Situation): string
}

const google = /(^|\.)(gmail|google|googlemail)\.com$/
const microsoft = /(^|\.)(office365|outlook)\.com$/
const silent = /timed out|timeout|ETIMEDOUT|given up before|never received/i

// The first row that fits decides.
const rows: Partial<Record<FailureCode, Row[]>> = {
  'provider-credentials-refused': [
    {
      byToken: true,
      host: google,
      say: () =>
        'Google refused the access token: the scope must be https://mail.google.com/, and it must have been granted for exactly the address in username.',
    },
    {
      byToken: true,
      host: microsoft,
      say: () =>
        'Microsoft refused the access token: it needs SMTP.Send for the mailbox in username, or SMTP.SendAsApp with the application registered in Exchange and given rights on the mailbox, and authenticated SMTP must be enabled for it.',
    },
    {
      reason: /5\.7\.9|534/,
      host: google,
      say: () =>
        'Google takes no password of an account here: make an app password for it (2-step verification must be on), or log in by oauth2.',
    },
    {
      host: google,
      say: () =>
        'Google refused this name and password: make an app password for the account and enter it without spaces, or log in by oauth2; an administrator may have forbidden app passwords.',
    },
    {
      reason: /5\.7\.(139|30)|basic auth/i,
      host: microsoft,
      say: () =>
        'Login by password is switched off for this Microsoft 365 organisation or mailbox: log in by oauth2, or ask an administrator to enable authenticated SMTP and basic authentication.',
    },
    {
      host: microsoft,
      say: () =>
        'Microsoft refused this login: compare name and password, let an administrator enable authenticated SMTP for the mailbox and switch off security defaults, or log in by oauth2.',
    },
    {
      byToken: true,
      say: () => 'The server refused the access token: compare the scope, and the address in username.',
    },
    {
      say: ({ preset }) =>
        `The server refused this name and password. ${preset ? presets[preset].login : 'Some servers want the whole address as name, and many want a key made for SMTP instead of the password of the account.'}`,
    },
  ],
  'provider-unreachable': [
    {
      reason: silent,
      port: /^(465|2465)$/,
      tls: /^starttls$/,
      say: ({ port }) =>
        `On port ${port} servers wait for TLS from the first byte: set tls to implicit or leave it out.`,
    },
    {
      // The TCP connection stood, or there would have been no greeting to wait for: no port is blocked.
      reason: /greeting never received/i,
      tls: /^(starttls|opportunistic)$/,
      say: ({ port }) =>
        `The server accepted the connection on port ${port} but sent no greeting. It may wait for TLS from the first byte: set tls to implicit.`,
    },
    {
      reason: silent,
      say: (situation) =>
        `Port ${situation.port} may be blocked between this installation and the server, as many networks do: ${otherPorts(situation)}, or use the HTTP API of the provider.`,
    },
    {
      reason: /refused|closed/i,
      say: (situation) =>
        `No mail server listens on port ${situation.port} of this host, or a firewall refuses the connection: ${otherPorts(situation)}.`,
    },
    {
      reason: /does not resolve|ENOTFOUND/i,
      say: ({ host }) => `There is no host ${host}: compare its name with the provider’s documentation.`,
    },
  ],
  'provider-tls-failed': [
    {
      reason: /wrong version|packet length|EPROTO|unexpected message|record|no protocols/i,
      tls: /^implicit$/,
      say: ({ port }) =>
        `The server does not begin with TLS on port ${port}: set tls to starttls, or use port 465.`,
    },
    {
      reason: /no STARTTLS/,
      say: () =>
        'The server offers no encryption on this port: use port 465 with tls implicit. Only a server that the operator listed may be used without encryption.',
    },
    {
      reason: /expired|not yet valid/i,
      say: () =>
        'The certificate of the server has expired, or is not valid yet: its operator must renew it, unless the clock of this machine is wrong.',
    },
    {
      reason: /altname|does not match/i,
      say: ({ host }) =>
        `The certificate of the server is not for ${host}: use a host name that it contains.`,
    },
    {
      reason: /self.signed|unable to (verify|get)|issuer/i,
      say: () =>
        'The certificate of the server is not signed by a trusted authority: the server needs one of a public authority with its whole chain, or the operator lists the host and the connection sets allow_insecure.',
    },
  ],
  'provider-settings-wrong': [
    {
      reason: /\b(helo|ehlo)\b|\b(invalid|bad|forged) (host ?name|greeting)\b/i,
      say: () =>
        'The server does not accept the host name in our EHLO: set helo_name to a full host name that resolves in the DNS, such as mail.example.com.',
    },
    {
      reason: /starttls|\b(tls|ssl|encryption)\b/i,
      say: () => 'The server takes mail over an encrypted connection only: set tls to starttls or implicit.',
    },
    {
      reason: /offers no login/,
      say: () =>
        'The server offers no login on this port: use port 587 or 465 (port 25 is for mail between servers), or leave username and password out if it knows this installation by its address.',
    },
    {
      reason: /not encrypted/,
      say: () => 'A password is only sent over an encrypted connection: set tls to starttls or implicit.',
    },
    {
      reason: /user name is needed/,
      say: ({ preset }) =>
        `Enter a username beside the password. ${preset ? presets[preset].login : ''}`.trim(),
    },
  ],
  'provider-address-blocked': [
    {
      say: () =>
        'The server refuses mail from the IP address of this installation: look it up in the block list that the reply names, give it a PTR record, or use another connection.',
    },
  ],
}

/** Advises another port; without one, another network or the provider's API. */
function otherPorts({ preset, port }: Situation): string {
  const ports = (preset ? presets[preset].ports : usualPorts).filter((one) => one.port !== port)
  if (ports.length === 0) return 'ask the operator of the network to open it'
  return `try port ${ports.map((one) => `${one.port} (${one.tls})`).join(', ')}`
}

/** Advises a person on a failed check, in whole sentences. */
export function adviceFor(situation: Situation): string[] {
  const row = rows[situation.code]?.find(
    (one) =>
      (one.reason?.test(situation.reason) ?? true) &&
      (one.host?.test(situation.host) ?? true) &&
      (one.port?.test(String(situation.port)) ?? true) &&
      (one.tls?.test(situation.tls) ?? true) &&
      (one.byToken ?? situation.byToken) === situation.byToken,
  )
  return row ? [row.say(situation)] : []
}

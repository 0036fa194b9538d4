import { senderWords } from '../lib/sender-words.ts'
import type { SmtpRule } from './rule.ts'

/** The name that this installation greets with. */
const heloRules: readonly SmtpRule[] = [
  { text: /\b(helo|ehlo)\b/, is: 'provider-settings-wrong' },
  { text: /\b(invalid|bad|forged) (host ?name|greeting)\b/, is: 'provider-settings-wrong' },
]

/** Encryption and login. Enhanced codes: https://www.iana.org/assignments/smtp-enhanced-status-codes */
const loginRules: readonly SmtpRule[] = [
  {
    text: /\bstarttls\b|\b(tls|ssl|encryption|encrypted session)\b.{0,40}\b(required|needed|mandatory|must)\b|\b(requires?|must use|need) (an? )?(tls|ssl|encrypt)/,
    is: 'provider-settings-wrong',
  },
  // A login that is refused because of missing payment is not a wrong password.
  {
    text: /\b(maximum |insufficient )?credits? (limit )?(exceeded|used up|expired)\b|\b(out of|insufficient) credits?\b/,
    is: 'provider-quota-used-up',
  },
  { code: /^53[0458]/, is: 'provider-credentials-refused' },
  { enhanced: /^5\.7\.70[58]$/, is: 'provider-account-suspended' },
  { enhanced: /^5\.7\.([89]|1[0-4]|30|57)$/, is: 'provider-credentials-refused' },
  {
    text: /\b(authenticat\w+|authori[sz]ation|smtp auth|login) (is )?(required|needed|mandatory)\b|\b(must|please|need to|requires?|turn on) (be |first |to )?(smtp )?(log ?in|auth)|\bunauthenticated senders?\b|\bwithout auth|\bnot (been )?(authenticated|logged in)\b|\bauthenticat\w+ (failed|unsuccessful)\b|\bauth first\b/,
    is: 'provider-credentials-refused',
  },
]

/** Replies about permissions and quotas of the account. */
const accountRules: readonly SmtpRule[] = [
  {
    text: /\bfrequency (is )?limit|\brate limit|\bthrottl|\btoo many (messages|mails|e-?mails|connections|requests|sessions|invalid recipients)\b|\b(sent|sending) too (many|much|fast)\b|\btoo fast\b/,
    is: 'provider-rate-limited',
  },
  { enhanced: /^5\.(4\.5|7\.23[23])$/, is: 'provider-quota-used-up' },
  {
    text: /\b(sending|relay|daily|monthly) (\w+ )?(limit|quota)|submission ?quota|\bunusual sending activity\b|\bmax(imum)? (number of )?(mails|messages|e-?mails) per day\b/,
    is: 'provider-quota-used-up',
  },
  // Unless it is a mailbox that is full.
  {
    phases: ['open', 'mail', 'data'],
    enhanced: /^(?!5\.2\.2$)/,
    text: /^(?!.*(mailbox|recipient)).*\bquota ?(was |has been |is )?exceeded/,
    is: 'provider-quota-used-up',
  },
  { text: /\bbad outbound sender\b|\boutgoing (is )?blocked\b/, is: 'provider-account-suspended' },
  {
    text: /\b(sending|service|subscription|domain)\b.{0,30}\b(paused|suspended|deactivated|not (yet )?activated)\b|\byour (\w+ )?(account|domain|user)\b.{0,40}\b(suspended|paused|disabled|deactivated|locked|blocked|inactive|under review|not (yet )?activated)\b|\bnot allowed to send\b.{0,40}\bactivate\b|\bsender (account|user) (is )?(suspended|disabled|locked)\b/,
    is: 'provider-account-suspended',
  },
  {
    phases: ['open', 'mail', 'data'],
    text: /\b(account|user)\b( \w+)? (is |has been |was |is currently )?(suspended|paused|disabled|deactivated|locked|not (yet )?activated)\b/,
    is: 'provider-account-suspended',
  },
  { text: /\bconfiguration set\b.{0,200}\bnot exist/, is: 'provider-settings-wrong' },
  { text: /\bnot authori[sz]ed to perform\b/, is: 'provider-permission-missing' },
]

/** Replies about the reputation of this installation's address. A list of names in links does not count. */
const addressRules: readonly SmtpRule[] = [
  // Where the recipient's own list of senders is named, no other connection helps.
  {
    text: /\b(blocked|blacklisted|black listed|rejected) by (the )?recipient\b|\bsenderfilterconfig\b|\brecipient('s)?\b.{0,30}\b(block(s|ed)?|has rejected)\b.{0,20}\b(sender|you|messages)\b/,
    is: 'message-refused',
  },
  {
    text: /\bclient host rejected: access denied\b|\bunauthori[sz]ed ip\b|\binvalid credentials for relay\b/,
    is: 'provider-permission-missing',
  },
  { text: /\bsender (address|domain)\b.{0,80}\b(blocked|listed)\b/, is: 'provider-sender-refused' },
  {
    text: /\b(uribl|surbl|dbl)\b|\b(urls?|links?|uris?)\b.{0,60}\b(listed|black|block)/,
    is: 'message-refused',
  },
  { enhanced: /^5\.7\.(25|511|60[0-9]|6[1-4][0-9])$/, is: 'provider-address-blocked' },
  {
    text: /\b(dns)?(rbl|dnsbl|dnsbls)\b|spamhaus|spamcop|\bsorbs\b|barracudacentral|uceprotect|csi\.cloudmark|spamrats|\bblock(ed)? ?list|\bblack ?list(ed)?\b(?! by (the )?recipient)|\bblacklist/,
    is: 'provider-address-blocked',
  },
  {
    text: /\b(ptr|rdns)\b|\breverse[ -](dns|hostname|lookup|mapping)|\bcannot find your (reverse )?host ?name\b|\b(poor|bad|low) reputation\b|\breputation of\b|\bdynamic(ally)?\b.{0,20}\bip\b|\bresidential\b/,
    is: 'provider-address-blocked',
  },
  {
    text: /\b(client host|client address|your (ip|server|host|network)|sending (ip|mta|host)|ip address|ip|remote host|connecting host)\b.{0,60}\b(blocked|listed|banned|blacklisted|black listed|denied|not allowed|rejected|spammer|spam list)\b(?!: (access denied|relay))/,
    is: 'provider-address-blocked',
  },
  {
    text: /\b(blocked|banned|listed|rejected|denied|black) (by|using|at|in|on|ip|sending ip)\b.{0,60}\b(ip|list|spam)|\bfrom your ip\b|\b(connections?|mail|messages) (will )?not (be )?accepted from\b|\baccess to this mail system has been rejected\b|\baccess to submit messages to this e-?mail system has been rejected\b|\bnot allowed to connect\b|\(rtr:|\(bl\)|\bspammer list\b|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\]?\b.{0,30}\b(listed|blocked|blacklisted|banned|found (on|in))\b|\bdynamic (ip|range|address)/,
    is: 'provider-address-blocked',
  },
]

/** Replies about the sender. */
const senderRules: readonly SmtpRule[] = [
  { text: /\b(dmarc|spf|dkim|sender ?id)\b/, is: 'provider-sender-refused' },
  {
    enhanced: /^5\.(1\.[78]|7\.(2[0-46-9]|60|509|515)|2\.252)$/,
    is: 'provider-sender-refused',
  },
  ...senderWords.map((text) => ({ text, is: 'provider-sender-refused' }) as const),
  {
    text: /\bfrom['"]?:?( address| header| domain| field| e-?mail)?\b.{0,60}\b(must|does not match|not match|not owned|not (a )?valid|invalid|mismatch|is not (a|one|allowed|permitted|verified|authori[sz]ed|yours)|same as|equal)|\bmust (be the )?(same|equal|match)\b/,
    is: 'provider-sender-refused',
  },
  {
    text: /\bnot owned by\b|\bsend ?as ?denied\b|\b(permissions?|allowed|authori[sz]ed|permitted) to (send|use)\b.{0,30}\b(as|from|this (sender|address|from)|behalf)\b|\bverified sender\b|\baddress is not verified\b|\b(identity|domain) (is )?not verified\b|\bunverified (address|domain|sender)\b|\brelay(ing)? disallowed as\b|\bsender (policy|identity)\b|\bunconfigured sending domain\b|\bsignature (not defined|was not found)/,
    is: 'provider-sender-refused',
  },
]

/** Replies about permission to relay. */
const relayRules: readonly SmtpRule[] = [
  {
    text: /\bclient host rejected\b|\bclient (was )?not (trusted|permitted|allowed)\b/,
    is: 'provider-permission-missing',
  },
  {
    text: /\brelay(ing)?( access)? (is )?(denied|disallowed|prohibited|forbidden|refused|rejected|not (permitted|allowed))\b|\b(unable|not permitted|not allowed) to relay\b|\bopen relay\b|\brcpthosts\b|\bhost denies relay\b|\bwe do not relay\b/,
    is: 'provider-permission-missing',
  },
]

/** Replies about the account, its sender, or the address of this installation. */
export const ownRules: readonly SmtpRule[] = [
  ...heloRules,
  ...loginRules,
  ...accountRules,
  ...addressRules,
  ...senderRules,
  ...relayRules,
]

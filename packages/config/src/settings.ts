import { isIP } from 'node:net'
import { z } from 'zod'

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a whole number from 0 to 65535')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a whole number from 0 to 65535')

/** Null: off. (`undefined` would be the default.) */
const portOrOff = z.union([z.literal('off').transform(() => null), port])

/** A connection URL of one of these schemes. */
function url(...schemes: string[]): z.ZodType<string, string> {
  return z.string().refine(
    (text) => {
      const parsed = URL.parse(text)
      return parsed !== null && schemes.includes(parsed.protocol)
    },
    `must be a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
  )
}

/** A whole number with bounds, in text. */
function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
}

const tenantId = z.string().regex(/^ten_[0-9a-hjkmnp-tv-z]{26}$/, 'must be the id of a tenant, ten_…')

const emailAddress = z.email('must be an email address')

/** How others reach this gateway: no path of ours may follow a query. */
const publicUrl = url('http:', 'https:')
  .refine((text) => {
    const parsed = URL.parse(text)
    return parsed === null || parsed.href === `${parsed.origin}${parsed.pathname}`
  }, 'must have no user, query or fragment')
  .transform((text) => new URL(text).href.replace(/\/$/, ''))

function isCidr(entry: string): boolean {
  const [address = '', bits, ...rest] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

function isEgressEntry(entry: string): boolean {
  return isCidr(entry) || /^[a-z0-9*]([a-z0-9.*-]*[a-z0-9])?(:\d{1,5})?$/i.test(entry)
}

const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
)

const egressList = commaList.refine(
  (entries) => entries.every(isEgressEntry),
  'must be a comma list of addresses, CIDRs or host names',
)

const cidrList = commaList.refine(
  (entries) => entries.every(isCidr),
  'must be a comma list of addresses or CIDRs',
)

const domainName = z
  .string()
  .transform((text) => text.trim().toLowerCase().replace(/\.$/, ''))
  .refine(
    (text) =>
      text.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(text),
    'must be a whole host name',
  )

const addressList = commaList.refine(
  (entries) => entries.every((entry) => isIP(entry) !== 0),
  'must be a comma list of IP addresses',
)

/** On or off, and what it is when it is not set. */
const onOff = (usual: 'on' | 'off') => z.enum(['on', 'off'], { error: 'must be on or off' }).default(usual)

const rootKey = z.string().refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes long')

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** One row per setting, with its sentence. A test keeps `.env.example`, which shows these rows with their defaults, equal to this. */
export const settings = z.object({
  LETTERGATE_ENV: z
    .enum(['development', 'production'], { error: 'must be development or production' })
    .default('development')
    .describe('development or production; production needs LETTERGATE_SECRET and ignores LG_FAILPOINT.'),
  LETTERGATE_DATA_DIR: z
    .string()
    .default('.lettergate')
    .describe('Folder of the embedded database, its logs, dev.json and, in development, the root secret.'),
  LETTERGATE_SECRET: rootKey
    .optional()
    .describe(
      'Root key of secrets at rest, at least 32 random bytes as text; in development one is generated.',
    ),
  LETTERGATE_SECRET_PREVIOUS: rootKey
    .optional()
    .describe(
      'A second root key while you change LETTERGATE_SECRET: it decrypts old data and encrypts nothing new.',
    ),
  LETTERGATE_LOG_LEVEL: z
    .enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` })
    .default('info')
    .describe('Least severe log line that is written.'),
  LETTERGATE_EGRESS_ALLOW: egressList
    .optional()
    .describe('Comma list of CIDRs or hosts that connections may reach besides the public internet.'),
  LETTERGATE_EGRESS_PORT_25: onOff('off').describe(
    'on or off: tenants may reach public mail servers on port 25 (provider direct, or smtp on that port). Their mail uses the reputation of your address.',
  ),
  LETTERGATE_RETURN_PATH_DOMAIN: domainName
    .optional()
    .describe(
      'Domain of yours that bounces come back to, with an MX record that leads to this gateway and an SPF record; `bounce.` names of tenants lead to it. Unset: bounces of mail that leaves from here go to its author.',
    ),
  LETTERGATE_SPF_INCLUDE: domainName
    .optional()
    .describe('Name of an SPF record of yours that lists the addresses below; tenants include it.'),
  LETTERGATE_ADDRESSES: addressList
    .optional()
    .describe(
      'Comma list of IPv4 and IPv6 addresses that mail of this installation leaves from, for lettergate doctor dns; unset: those of LETTERGATE_HELO_NAME.',
    ),
  LETTERGATE_HELO_NAME: domainName
    .optional()
    .describe('Name by which this installation greets mail servers, for lettergate doctor dns.'),
  LETTERGATE_SHARED_DOMAINS: onOff('off').describe(
    'on or off: several tenants may prove the same domain. Turn it on only if all tenants are your own.',
  ),
  LETTERGATE_PUBLIC_URL: publicUrl
    .optional()
    .describe(
      'URL at which email providers reach the api, such as https://mail.example.com; unset: events of providers cannot be registered. Without a path, callbacks to its host are refused.',
    ),
  LETTERGATE_NOTICES_TENANT: tenantId
    .optional()
    .describe(
      'Tenant of yours whose connections send notices by mail to the other tenants, such as that an endpoint was disabled; unset: none are sent.',
    ),
  LETTERGATE_NOTICES_FROM: emailAddress
    .optional()
    .describe('Sender of these notices, such as notices@example.com.'),
  LETTERGATE_AWS_IDENTITY: onOff('off').describe(
    'on or off: an ses connection without keys uses the AWS identity of this machine (role, ~/.aws). Every tenant can create one, so turn it on only if all tenants are your own.',
  ),
  API_HOST: z.string().default('127.0.0.1').describe('Address that the api listens on.'),
  API_PORT: port.default(3000).describe('Port that the api listens on; 0 takes any free one.'),
  API_METRICS_PORT: port
    .optional()
    .describe('Port on API_HOST where the api answers /metrics, and nothing else; unset: off.'),
  API_KEEP_ALIVE_SECONDS: wholeNumber(1, 3_600)
    .default(72)
    .describe(
      'Seconds that the api keeps an idle connection; set it longer than that of the load balancer in front (often 60).',
    ),
  API_TRUSTED_PROXIES: cidrList
    .optional()
    .describe(
      'Comma list of addresses or CIDRs of proxies whose X-Forwarded-For is trusted; unset: none, and the caller is the address that connects.',
    ),
  WORKER_METRICS_PORT: port
    .optional()
    .describe('Port on API_HOST where the worker answers /metrics, /healthz and /readyz; unset: off.'),
  SMTP_HOST: z.string().default('127.0.0.1').describe('Address that the SMTP server listens on.'),
  SMTP_NAME: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/i, 'must be a host name')
    .optional()
    .describe(
      'Name of the SMTP server, such as smtp.example.com: it greets with it, and settings for programs show it; unset: SMTP_HOST.',
    ),
  SMTP_PORT: portOrOff
    .default(2525)
    .describe('Port for mail of apps, with STARTTLS; off: none; 0 takes any free one.'),
  SMTP_SUBMISSION_PORT: portOrOff
    .default(2587)
    .describe('A second port with STARTTLS, 587 on a public server; off: none.'),
  SMTP_TLS_PORT: portOrOff
    .default(2465)
    .describe('Port with TLS from the first byte, 465 on a public server; off: none.'),
  SMTP_TLS_CERT: z
    .string()
    .optional()
    .describe(
      'File of the certificate with its chain (PEM), read again when it changes; unset: in development one is made, in production there is no TLS.',
    ),
  SMTP_TLS_KEY: z.string().optional().describe('File of the key of SMTP_TLS_CERT (PEM).'),
  SMTP_PASSWORDS_WITHOUT_TLS: onOff('off').describe(
    'on or off: AUTH PLAIN and LOGIN without TLS, on SMTP_PORT alone. They show the password to everybody on the way, so turn it on only for a private network.',
  ),
  SMTP_TRUSTED_PROXIES: cidrList
    .optional()
    .describe(
      'Comma list of addresses or CIDRs of load balancers that begin with a header of the PROXY protocol, in version 1 or 2; unset: none.',
    ),
  SMTP_CONNECTIONS_MAX: wholeNumber(1, 50_000)
    .default(3_000)
    .describe('SMTP sessions at the same time; one costs 16 kB, with TLS 62 kB.'),
  SMTP_CONNECTIONS_PER_ADDRESS: wholeNumber(1, 50_000)
    .default(200)
    .describe('SMTP sessions at the same time from one address, or from one /64 network of IPv6.'),
  SMTP_OPEN_PORT: port
    .optional()
    .describe(
      'Port without AUTH, for programs that have none; needs SMTP_OPEN_TENANT and SMTP_OPEN_NETWORKS; unset: none.',
    ),
  SMTP_OPEN_TENANT: tenantId.optional().describe('Tenant that mail on SMTP_OPEN_PORT belongs to.'),
  SMTP_OPEN_NETWORKS: cidrList
    .optional()
    .describe('Comma list of addresses or CIDRs that may use SMTP_OPEN_PORT.'),
  SMTP_METRICS_PORT: port
    .optional()
    .describe('Port on API_HOST where the SMTP server answers /metrics, /healthz and /readyz; unset: off.'),
  LETTERGATE_FEED_DAYS: wholeNumber(1, 365)
    .default(30)
    .describe('Days for which events stay in the feed; a reader that is away for longer has missed some.'),
  LETTERGATE_INBOUND_DOMAIN: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'must be a domain in lower case')
    .default('inbound.lettergate.example')
    .describe(
      'Domain of yours whose MX is this gateway: every tenant has an address under it, and bounces and replies come back to it.',
    ),
  LETTERGATE_INBOUND_DAYS: wholeNumber(1, 365).default(30).describe('Days for which received mail is kept.'),
  INBOUND_HOST: z.string().default('127.0.0.1').describe('Address that the gateway takes inbound mail on.'),
  INBOUND_PORT: portOrOff
    .default(2526)
    .describe(
      'Port on INBOUND_HOST that takes inbound mail, 25 on a public server; off: none; 0 takes any free one.',
    ),
  LETTERGATE_RETENTION: onOff('on').describe(
    'on or off: content and records of messages are deleted after the days of their plan. Off keeps everything for good.',
  ),
  DATABASE_URL: url('postgres:', 'postgresql:')
    .optional()
    .describe(
      'Postgres to use, postgres://user:password@host:port/database, directly or through a pooler in session mode; unset: npm start brings its own.',
    ),
  REDIS_URL: url('redis:', 'rediss:')
    .optional()
    .describe('Redis that holds the queue, redis://host:port; unset: the queue lives in Postgres.'),
  LG_FAILPOINT: z
    .string()
    .optional()
    .describe(
      'Fail points of the fault tests, name:kill9|stop|throw|sleep<ms>:1/n[,…][;seed=n]; never set it outside a test.',
    ),
})

import { isIP } from 'node:net'
import { z } from 'zod'

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a whole number from 0 to 65535')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a whole number from 0 to 65535')

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

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** One row per setting, with its sentence and the value to show in `.env.example`, which a test keeps equal to this. */
export const settings = z.object({
  LETTERGATE_ENV: z
    .enum(['development', 'production'], { error: 'must be development or production' })
    .default('development')
    .meta({
      example: 'development',
      description: 'development or production; production needs LETTERGATE_SECRET and ignores LG_FAILPOINT.',
    }),
  LETTERGATE_DATA_DIR: z.string().default('.lettergate').meta({
    example: '.lettergate',
    description: 'Folder of the embedded database, its logs, dev.json and, in development, the root secret.',
  }),
  LETTERGATE_SECRET: z
    .string()
    .refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes long')
    .optional()
    .meta({
      example: '',
      description:
        'Root key of secrets at rest, at least 32 random bytes as text; in development one is generated.',
    }),
  LETTERGATE_SECRET_PREVIOUS: z
    .string()
    .refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes long')
    .optional()
    .meta({
      example: '',
      description:
        'A second root key while you change LETTERGATE_SECRET: it decrypts old data and encrypts nothing new.',
    }),
  LETTERGATE_LOG_LEVEL: z
    .enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` })
    .default('info')
    .meta({ example: 'info', description: 'Least severe log line that is written.' }),
  LETTERGATE_EGRESS_ALLOW: egressList.optional().meta({
    example: '',
    description: 'Comma list of CIDRs or hosts that connections may reach besides the public internet.',
  }),
  LETTERGATE_EGRESS_PORT_25: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off').meta({
    example: 'off',
    description:
      'on or off: tenants may reach public mail servers on port 25 (provider direct, or smtp on that port). Their mail uses the reputation of your address.',
  }),
  LETTERGATE_PUBLIC_URL: publicUrl.optional().meta({
    example: '',
    description:
      'URL at which email providers reach the api, such as https://mail.example.com; unset: events of providers cannot be registered.',
  }),
  LETTERGATE_AWS_IDENTITY: z.enum(['on', 'off'], { error: 'must be on or off' }).default('off').meta({
    example: 'off',
    description:
      'on or off: an ses connection without keys uses the AWS identity of this machine (role, ~/.aws). Every tenant can create one, so turn it on only if all tenants are your own.',
  }),
  API_HOST: z
    .string()
    .default('127.0.0.1')
    .meta({ example: '127.0.0.1', description: 'Address that the api listens on.' }),
  API_PORT: port
    .default(3000)
    .meta({ example: '3000', description: 'Port that the api listens on; 0 takes any free one.' }),
  API_METRICS_PORT: port.optional().meta({
    example: '',
    description: 'Port on API_HOST where the api answers /metrics, and nothing else; unset: off.',
  }),
  API_KEEP_ALIVE_SECONDS: wholeNumber(1, 3_600).default(72).meta({
    example: '72',
    description:
      'Seconds that the api keeps an idle connection; set it longer than that of the load balancer in front (often 60).',
  }),
  API_TRUSTED_PROXIES: cidrList.optional().meta({
    example: '',
    description:
      'Comma list of addresses or CIDRs of proxies whose X-Forwarded-For is trusted; unset: none, and the caller is the address that connects.',
  }),
  WORKER_METRICS_PORT: port.optional().meta({
    example: '',
    description: 'Port on API_HOST where the worker answers /metrics, /healthz and /readyz; unset: off.',
  }),
  LETTERGATE_FEED_DAYS: wholeNumber(1, 365).default(30).meta({
    example: '30',
    description: 'Days for which events stay in the feed; a reader that is away for longer has missed some.',
  }),
  LETTERGATE_RETENTION: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on').meta({
    example: 'on',
    description:
      'on or off: content and records of messages are deleted after the days of their plan. Off keeps everything for good.',
  }),
  DATABASE_URL: url('postgres:', 'postgresql:').optional().meta({
    example: '',
    description:
      'Postgres to use, postgres://user:password@host:port/database, directly or through a pooler in session mode; unset: npm start brings its own.',
  }),
  REDIS_URL: url('redis:', 'rediss:').optional().meta({
    example: '',
    description: 'Redis that holds the queue, redis://host:port; unset: the queue lives in Postgres.',
  }),
  LG_FAILPOINT: z.string().optional().meta({
    example: '',
    description:
      'Fail points of the fault tests, name:kill9|stop|throw|sleep<ms>:1/n[,…][;seed=n]; never set it outside a test.',
  }),
})

import { expect, test } from 'vitest'
import { importsOf, sourceFiles } from './import-rule.ts'

/** Modules by which a program can reach other machines; types alone open nothing. */
const OPENERS =
  /^(node:(net|tls|http|https|http2|dns|dns\/promises|dgram)|undici|ioredis|pg|nodemailer|axios|got|ws)(\/|$)/
const GUARD = 'packages/egress/src/'

/** Everything else that opens sockets, looks up names or could, and why it need not pass the guard. Only operators choose its targets. */
const APART: Record<string, string> = {
  'apps/api/src/http/shared-counts.ts': 'Redis of the operator',
  'apps/api/src/server.ts': 'listens',
  'apps/lettergate/src/listen/follow-feed.ts': 'the command line, on the machine of its user',
  'apps/lettergate/src/listen/forward-event.ts': 'the command line, on the machine of its user',
  'apps/lettergate/src/ports.ts': 'listens, to find a free port',
  'apps/lettergate/src/start/services.ts': 'asks its own processes whether they are up',
  'apps/smtp/src/tls/certificate.ts': 'reads a certificate',
  'packages/core/src/inbound/dns-questions.ts':
    'asks the DNS servers of this machine for records of senders, and connects to nothing that they name',
  'packages/core/src/lib/operations-server.ts': 'listens',
  'packages/db/src/actor.ts': 'Postgres of the operator',
  'packages/db/src/errors.ts': 'Postgres of the operator',
  'packages/db/src/pool.ts': 'Postgres of the operator',
  'packages/db/src/prisma-errors.ts': 'Postgres of the operator',
  'packages/db/src/statement-watch.ts': 'Postgres of the operator',
  'packages/providers/src/brevo/expressible.ts': 'nodemailer writes text here',
  'packages/providers/src/direct/open-session.ts': 'TLS inside a socket of the guard',
  'packages/providers/src/direct/resolver.ts':
    'asks the DNS servers of this machine for mail hosts, which the guard checks when it connects',
  'packages/providers/src/lib/mime.ts': 'nodemailer writes text here',
  'packages/providers/src/sendgrid/send.ts': 'nodemailer writes text here',
  'packages/providers/src/smtp/open-connection.ts': 'nodemailer speaks SMTP on a socket of the guard',
  'packages/queue/src/redis.ts': 'Redis of the operator',
}

const isShipped = ({ path }: { path: string }) =>
  /^(apps|packages)\//.test(path) && !/\.test\.ts$|\/test\//.test(path)

function opens(text: string): boolean {
  const values = text.replace(/^import type [^;]*?from ['"][^'"]+['"]/gm, '')
  const isOpener = importsOf(values).some((specifier) => OPENERS.test(specifier))
  // Names that only read texts or addresses.
  const harmless = values.replace(
    /import \{ (isIP|isIPv4|isIPv6|BlockList|[, ]|type \w+)+ \} from 'node:net'/g,
    '',
  )
  return (
    (isOpener && importsOf(harmless).some((specifier) => OPENERS.test(specifier))) ||
    /(?<![.\w])fetch\(/.test(text)
  )
}

test('no shipped code opens a socket past the egress guard, but for a written list', () => {
  const found = sourceFiles(process.cwd())
    .filter((file) => isShipped(file) && !file.path.startsWith(GUARD) && opens(file.text))
    .map(({ path }) => path)
  expect(found).toEqual(Object.keys(APART).sort())
})

import { setTimeout as sleep } from 'node:timers/promises'
import { logIn, openSmtpSession, type SmtpSession } from '../smtp-session.ts'

/** One shape of session, envelope or mail of a tenant that logs in with a key. */
export type SmtpCase = { shape: string; deed(place: { port: number; apiKey: string }): Promise<unknown> }

const MB = 1024 * 1024
const HEAD = 'From: odd@acme.example\r\nTo: user@example.net\r\nSubject: Odd\r\n'

/** Written once: making it again and again would measure this process. */
const once = (make: () => string): (() => Buffer) => {
  let made: Buffer | undefined
  return () => {
    made ??= Buffer.from(make(), 'latin1')
    return made
  }
}

async function withSession(
  { port, apiKey }: { port: number; apiKey: string },
  work: (session: SmtpSession) => Promise<unknown>,
): Promise<void> {
  const session = await openSmtpSession(port)
  try {
    await logIn(session, apiKey)
    await work(session)
  } finally {
    session.close()
  }
}

async function begin(session: SmtpSession): Promise<void> {
  await session.ask('MAIL FROM:<odd@acme.example>')
  await session.ask('RCPT TO:<user@example.net>')
  await session.ask('DATA')
}

const mail = (shape: string, make: () => string): SmtpCase => {
  const content = once(make)
  return {
    shape,
    deed: (place) =>
      withSession(place, async (session) => {
        await begin(session)
        await session.write(content())
        await session.ask('\r\n.')
      }),
  }
}

const lines = (shape: string, make: () => string): SmtpCase => {
  const commands = once(make)
  return {
    shape,
    deed: (place) =>
      withSession(place, async (session) => {
        await session.write(commands())
        // As many replies as come; the server ends what is no session.
        for (let reply = 0; reply < 50; reply++) await session.ask('NOOP')
      }),
  }
}

const nested = (depth: number) =>
  Array.from(
    { length: depth },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`,
  ).join('')

/** Ways to submit that are as large or as odd as may be, and ways that no client has. */
export const smtpCases: readonly SmtpCase[] = [
  mail('a mail of 38 MB', () =>
    `${HEAD}\r\n${'Lettergate is large. '.repeat(4)}\r\n`.padEnd(38 * MB, 'line of a text\r\n'),
  ),
  mail('a mail of 4 MB of lines that begin with dots', () => `${HEAD}\r\n${'..\r\n'.repeat(MB)}`),
  mail('20,000 nested parts', () => `${HEAD}${nested(20_000)}`),
  mail(
    '100,000 parts',
    () =>
      `${HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(100_000)}--b--`,
  ),
  mail('a header field folded 100,000 times', () => `${HEAD}X-Odd: a\r\n${' b\r\n'.repeat(100_000)}\r\nHi`),
  mail('100,000 header fields', () => `${HEAD}${'X-Odd: a\r\n'.repeat(100_000)}\r\nHi`),
  mail(
    '10,000 addresses in To',
    () =>
      `From: odd@acme.example\r\nTo: ${'"a, b" <user@example.net>,\r\n '.repeat(10_000)}user@example.net\r\n\r\nHi`,
  ),
  mail(
    'encoded words without end',
    () => `From: odd@acme.example\r\nSubject: ${'=?utf-8?b?w6TDtsO8?=\r\n '.repeat(8_000)}\r\n\r\nHi`,
  ),
  mail('a line of 10 MB', () => `${HEAD}\r\n${'x'.repeat(10 * MB)}`),
  mail(
    'base64 of 20 MB that breaks off',
    () =>
      `${HEAD}Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n${`${'PGI+'.repeat(19)}\r\n`.repeat(260_000)}`,
  ),
  mail(
    'every byte, and lines without CR',
    () =>
      `${HEAD}\r\n${Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
        .join('')
        .repeat(4_000)}`,
  ),
  lines(
    '10,000 recipients in one piece',
    () =>
      `MAIL FROM:<odd@acme.example>\r\n${Array.from({ length: 10_000 }, (_, at) => `RCPT TO:<"odd ${at}"@example.net> NOTIFY=NEVER\r\n`).join('')}`,
  ),
  lines('10,000 unknown commands in one piece', () => 'ODD COMMAND\r\n'.repeat(10_000)),
  lines('20,000 RSET in one piece', () => 'RSET\r\n'.repeat(20_000)),
  lines('a line without end', () => 'MAIL FROM:<'.padEnd(MB, 'x')),
  lines('bare line feeds, NUL and TLS where text should be', () =>
    `MAIL FROM:<a@b.example>\nRCPT\u0000\u0016\u0003\u0001\n`.repeat(100),
  ),
  {
    shape: 'wrong logins',
    deed: ({ port }) => withSession({ port, apiKey: 'lg_live_wrong' }, async () => undefined),
  },
  {
    shape: '20 sessions that each hold 9 MB of a mail, and then leave',
    deed: (place) =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          withSession(place, async (session) => {
            await begin(session)
            await session.write(heldPart())
            await sleep(500)
          }),
        ),
      ),
  },
]

const heldPart = once(() => `${HEAD}\r\n${'held\r\n'.repeat(1.5 * MB)}`)

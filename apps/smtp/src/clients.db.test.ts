import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { childEnv } from '@lettergate/config/child-env'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { programSettings } from '@lettergate/contracts/smtp-credentials/program-settings'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { certificate } from '../test/listener.ts'
import { type Login, startTestSmtp, type TestSmtp } from '../test/smtp.ts'

const run = promisify(execFile)
/** Beside the server, which runs in this process. */
async function feed(program: string, args: string[], input: string): Promise<void> {
  const running = run(program, args, { timeout: 20_000 })
  running.child.stdin?.end(input)
  await running
}
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const root = join(import.meta.dirname, '..', '..', '..')
const exim = ['/usr/sbin/exim4', join(root, 'node_modules', '.cache', 'exim', 'usr', 'sbin', 'exim4')].find(
  existsSync,
)
const phpmailer = '/usr/share/php/libphp-phpmailer/src'
// The Debian package of Django is for the system's Python.
const python = '/usr/bin/python3'
const hasDjango = existsSync(python) && spawnSync(python, ['-c', 'import django']).status === 0
const isRoot = process.getuid?.() === 0

let smtp: TestSmtp
let login: Login
let folder: string
const stops: (() => void)[] = []
beforeAll(async () => {
  smtp = await startTestSmtp()
  login = await smtp.addLogin()
  folder = mkdtempSync(join(tmpdir(), 'lg-clients-'))
  // Postfix and Exim read as users of their own.
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'ca.pem'), certificate.cert)
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await smtp.close()
})

const ports = () => ({ starttls: smtp.server.ports.starttls ?? 0, tls: smtp.server.ports.tls ?? 0 })
const ca = () => join(folder, 'ca.pem')
const text = 'From: app@acme.example\nTo: bob@example.net\nSubject: Hello\n\nHi\n.dot\n'

function settingsOf(program: string): string {
  const { starttls: starttlsPort, tls: tlsPort } = ports()
  const access = {
    host: 'localhost',
    starttlsPort,
    tlsPort,
    username: login.username,
    password: login.secret,
  }
  return programSettings(access).find((one) => one.program === program)?.text ?? ''
}

type Stored = { id: string; recipients: string[] }
async function newest(): Promise<Stored | undefined> {
  const { rows } = await smtp.db.pool.query<Stored>(
    `select m.id, (select array_agg(r.kind || ' ' || r.address order by r.kind, r.address) from recipient r where r.message_id = m.id) as recipients
     from message m order by m.id desc limit 1`,
  )
  return rows[0]
}
/** Runs what sends a mail, and answers the message that came of it. */
async function sent(send: () => Promise<unknown> | unknown): Promise<Stored> {
  const before = await newest()
  await send()
  await expect.poll(async () => (await newest())?.id, { timeout: 15_000 }).not.toBe(before?.id)
  const after = await newest()
  if (!after) throw new Error('there is no message')
  return after
}

describe.skipIf(!has('swaks'))('swaks', () => {
  test.each([
    ['CRAM-MD5 without TLS', () => ['--server', `127.0.0.1:${ports().starttls}`, '--auth', 'CRAM-MD5']],
    ['CRAM-MD5', () => ['--server', `127.0.0.1:${ports().starttls}`, '--tls', '--auth', 'CRAM-MD5']],
    [
      'PLAIN and pipelining',
      () => ['--server', `127.0.0.1:${ports().starttls}`, '--tls', '--auth', 'PLAIN', '--pipeline'],
    ],
    ['LOGIN', () => ['--server', `127.0.0.1:${ports().starttls}`, '--tls', '--auth', 'LOGIN']],
    [
      'PLAIN, with TLS from the first byte',
      () => ['--server', `127.0.0.1:${ports().tls}`, '--tlsc', '--auth', 'PLAIN'],
    ],
  ])('logs in by %s, and its hidden recipient gets the mail', async (_how, options) => {
    const user = ['--auth-user', login.username, '--auth-password', login.secret]
    const to = [
      '--from',
      'app@acme.example',
      '--to',
      'bob@example.net,hidden@example.net',
      '--header',
      'To: bob@example.net',
    ]
    let output = ''
    const { id, recipients } = await sent(async () => {
      output = (await run('swaks', [...options(), ...user, ...to])).stdout
    })
    expect(output).toContain(`250 2.0.0 Ok: queued as ${toPublicId('msg', id)}`)
    expect(recipients).toEqual(['bcc hidden@example.net', 'to bob@example.net'])
  })
})

test.skipIf(!has('msmtp'))('msmtp, as the settings say, sends as sendmail does', async () => {
  const file = join(folder, 'msmtprc')
  writeFileSync(file, `${settingsOf('msmtp')}\ntls_trust_file ${ca()}\n`, { mode: 0o600 })
  const { recipients } = await sent(() =>
    feed('msmtp', ['-C', file, '-t', '-i'], `Bcc: hidden@example.net\n${text}`),
  )
  expect(recipients).toEqual(['bcc hidden@example.net', 'to bob@example.net'])
})

test.skipIf(!has('msmtp') || !has('php'))("PHP's mail(), as the settings say, sends by msmtp", async () => {
  const file = join(folder, 'phprc')
  writeFileSync(file, `${settingsOf('msmtp')}\ntls_trust_file ${ca()}\n`, { mode: 0o600 })
  const path = /sendmail_path = "(.*)"/.exec(settingsOf('php'))?.[1]?.replace(' -t', ` -C ${file} -t`) ?? ''
  const code = `exit(mail('bob@example.net', 'Hello', 'Hi', 'From: app@acme.example') ? 0 : 1);`
  const { recipients } = await sent(() => run('php', ['-d', `sendmail_path=${path}`, '-r', code]))
  expect(recipients).toEqual(['to bob@example.net'])
})

test.skipIf(!has('php') || !existsSync(phpmailer))(
  'PHPMailer, as the settings say, reads the id of the message',
  async () => {
    const file = join(folder, 'mail.php')
    const head = ['Exception', 'PHPMailer', 'SMTP']
      .map((name) => `require '${phpmailer}/${name}.php';`)
      .join('\n')
    const send = `$mail->setFrom('app@acme.example'); $mail->addAddress('bob@example.net'); $mail->addBCC('hidden@example.net');
$mail->Subject = 'Hello'; $mail->Body = "öüß\\n.dot"; $mail->CharSet = 'utf-8'; $mail->send();
echo $mail->getSMTPInstance()->getLastTransactionID();`
    writeFileSync(file, `<?php\n${head}\n${settingsOf('phpmailer')}\n${send}`)
    let output = ''
    const { id, recipients } = await sent(async () => {
      output = (await run('php', ['-d', `openssl.cafile=${ca()}`, file])).stdout
    })
    expect(output).toBe(toPublicId('msg', id))
    expect(recipients).toEqual(['bcc hidden@example.net', 'to bob@example.net'])
  },
)

describe.skipIf(!existsSync(python))('Python', () => {
  test('smtplib sends by STARTTLS and by TLS', async () => {
    const script = `import smtplib, ssl
c = ssl.create_default_context(cafile='${ca()}')
s = smtplib.SMTP('localhost', ${ports().starttls}); s.starttls(context=c); s.login('${login.username}', '${login.secret}')
s.sendmail('app@acme.example', ['bob@example.net'], """${text}"""); s.quit()
s = smtplib.SMTP_SSL('localhost', ${ports().tls}, context=c); s.login('${login.username}', '${login.secret}')
s.sendmail('app@acme.example', ['carol@example.net'], """${text}"""); s.quit()`
    const { recipients } = await sent(() => run(python, ['-c', script]))
    expect(recipients).toEqual(['bcc carol@example.net'])
  })

  test.skipIf(!hasDjango)("Django's send_mail, as the settings say", async () => {
    const lines = settingsOf('django')
      .split('\n')
      .map((line) => line.replace(' = ', '='))
      .join(', ')
    const script = `from django.conf import settings
settings.configure(${lines})
from django.core.mail import send_mail
send_mail('Hello', 'Grüße', 'app@acme.example', ['bob@example.net'])`
    const { recipients } = await sent(() =>
      run(python, ['-c', script], { env: childEnv({ SSL_CERT_FILE: ca() }) }),
    )
    expect(recipients).toEqual(['to bob@example.net'])
  })
})

describe.skipIf(!has('postfix') || !isRoot)('Postfix as a relay', () => {
  function start(name: string, extra: string[]): string {
    const base = join(folder, name)
    for (const part of ['etc', 'queue', 'data']) mkdirSync(join(base, part), { recursive: true })
    execFileSync('chown', ['postfix', join(base, 'data')])
    const [main = '', passwords = ''] = settingsOf('postfix')
      .replace('/etc/postfix/sasl_passwd', join(base, 'etc', 'sasl_passwd'))
      .split(/\n\n# .*\n/)
    writeFileSync(join(base, 'etc', 'sasl_passwd'), `${passwords}\n`)
    const services = [
      ['pickup', 'unix', 'n', '-', 'n', '60', '1', 'pickup'],
      ['cleanup', 'unix', 'n', '-', 'n', '-', '0', 'cleanup'],
      ['qmgr', 'unix', 'n', '-', 'n', '300', '1', 'qmgr'],
      ['rewrite', 'unix', '-', '-', 'n', '-', '-', 'trivial-rewrite'],
      ...['bounce', 'defer', 'trace'].map((one) => [one, 'unix', '-', '-', 'n', '-', '0', 'bounce']),
      ['smtp', 'unix', '-', '-', 'n', '-', '-', 'smtp'],
      ['relay', 'unix', '-', '-', 'n', '-', '-', 'smtp'],
      ['tlsmgr', 'unix', '-', '-', 'n', '1000?', '1', 'tlsmgr'],
      ['showq', 'unix', 'n', '-', 'n', '-', '-', 'showq'],
      ['error', 'unix', '-', '-', 'n', '-', '-', 'error'],
      ['retry', 'unix', '-', '-', 'n', '-', '-', 'error'],
      ['postlog', 'unix-dgram', 'n', '-', 'n', '-', '1', 'postlogd'],
    ]
    writeFileSync(join(base, 'etc', 'master.cf'), `${services.map((one) => one.join(' ')).join('\n')}\n`)
    const own = [
      'compatibility_level = 3.6',
      `queue_directory = ${join(base, 'queue')}`,
      `data_directory = ${join(base, 'data')}`,
      `maillog_file = ${join(base, 'mail.log')}`,
      `maillog_file_prefixes = ${folder}`,
      'myhostname = app.acme.example',
      'mydestination =',
      'inet_interfaces = loopback-only',
      'inet_protocols = ipv4',
      // For localhost, which no name server knows.
      'smtp_host_lookup = native',
      `smtp_tls_CAfile = ${ca()}`,
    ]
    writeFileSync(join(base, 'etc', 'main.cf'), `${[main, ...own, ...extra].join('\n')}\n`)
    execFileSync('postmap', ['-c', join(base, 'etc'), join(base, 'etc', 'sasl_passwd')])
    const postfix = (verb: string) =>
      spawnSync('postfix', ['-c', join(base, 'etc'), verb], { encoding: 'utf8' })
    stops.push(() => void postfix('stop'))
    expect(postfix('start').status).toBe(0)
    return join(base, 'etc')
  }

  test.each([
    ['CRAM-MD5', ['smtp_sasl_mechanism_filter = cram-md5']],
    [
      'PLAIN over TLS',
      [
        'smtp_sasl_mechanism_filter = plain',
        'smtp_tls_security_level = verify',
        'smtp_tls_verify_cert_match = hostname',
      ],
    ],
  ])('sends on by %s, as the settings say', async (name, extra) => {
    const etc = start(name.slice(0, 4), extra)
    const { recipients } = await sent(() =>
      feed('sendmail', ['-C', etc, '-f', 'app@acme.example', 'bob@example.net', 'hidden@example.net'], text),
    )
    expect(recipients).toEqual(['bcc hidden@example.net', 'to bob@example.net'])
  })
})

test.skipIf(!exim || !isRoot)(
  'Exim as a relay sends on by CRAM-MD5 over TLS, as the settings say',
  async () => {
    const base = join(folder, 'exim')
    mkdirSync(base)
    execFileSync('chown', ['mail', base])
    const parts = settingsOf('exim').split(/^# (\w+)\n/m)
    const part = (name: string) => parts[parts.indexOf(name) + 1] ?? ''
    const file = join(base, 'exim.conf')
    writeFileSync(
      file,
      `exim_path = ${exim}\nexim_user = mail\nexim_group = mail\nspool_directory = ${base}\nlog_file_path = ${base}/%slog
primary_hostname = app.acme.example\nqualify_domain = acme.example\ndomainlist local_domains =\nkeep_environment =
begin routers\n${part('routers').replace('  no_more', '  self = send\n  no_more')}
begin transports\n${part('transports').trimEnd()}\n  tls_verify_certificates = ${ca()}
begin authenticators\n${part('authenticators')}\n`,
    )
    const { recipients } = await sent(() =>
      feed(exim ?? '', ['-C', file, '-odf', '-i', '-f', 'app@acme.example', 'bob@example.net'], text),
    )
    expect(recipients).toEqual(['to bob@example.net'])
  },
)

test.skipIf(!has('smtp-source'))(
  'smtp-source sends by the port without AUTH, and every mail is stored',
  async () => {
    const tenant = toPublicId('ten', smtp.tenantId)
    const server = await smtp.start({ config: { open: { port: 0, tenant, networks: ['127.0.0.1'] } } })
    const count = async () =>
      (await smtp.db.pool.query<{ n: number }>('select count(*)::int as n from message')).rows[0]?.n ?? 0
    const before = await count()
    const options = [
      '-d',
      '-s',
      '4',
      '-l',
      '2048',
      '-m',
      '100',
      '-f',
      'app@acme.example',
      '-t',
      'bob@example.net',
    ]
    await run('smtp-source', [...options, `127.0.0.1:${server.ports.open}`])
    expect(await count()).toBe(before + 100)
  },
)

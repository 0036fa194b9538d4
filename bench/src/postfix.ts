import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@lettergate/faults/ports'
import { startProcess, untilListening } from '@lettergate/faults/processes'
import { startSmtpSink } from './smtp-sink.ts'

const run = promisify(execFile)
const DAEMONS = '/usr/lib/postfix/sbin'
const SENDERS = 32
const CONCURRENCY = 50

/** Whether a whole Postfix is here, and the right to start one. */
export function postfixInstalled(): boolean {
  return existsSync(join(DAEMONS, 'master')) && process.getuid?.() === 0
}

/** Where Postfix sends all mail: to another server, or nowhere. */
type Relay = number | 'discard'

/** A Postfix of our own on a free port of loopback. */
export async function startPostfix(relay: Relay): Promise<{ port: number; pid: number } & AsyncDisposable> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.adopt(await mkdtemp(join(tmpdir(), 'lettergate-postfix-')), (it) =>
    rm(it, { recursive: true, force: true }),
  )
  const port = await freePort()
  await configure(folder, port, relay)
  const master = startProcess({
    name: 'postfix',
    command: join(DAEMONS, 'master'),
    args: ['-c', join(folder, 'etc'), '-s'],
    orphanSignal: 'TERM',
  })
  cleanup.defer(async () => void (await master.stop()))
  await untilListening(master, port)
  const started = cleanup.move()
  return { port, pid: master.pid, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Messages per second: smtp-source → Postfix → smtp-sink, all on loopback. */
export async function measurePostfix(
  count: number,
  messageBytes: number,
): Promise<{ acceptRate: number; rate: number }> {
  const sink = await startSmtpSink(count)
  try {
    await using postfix = await startPostfix(sink.port)
    return await pump(postfix.port, sink.allReceived, count, messageBytes)
  } finally {
    await sink.stop()
  }
}

/** -d keeps the sessions open, which favours Postfix: it gains some percent. */
async function pump(port: number, allReceived: Promise<number>, count: number, messageBytes: number) {
  const start = performance.now()
  const source = startProcess({
    name: 'smtp-source',
    command: '/usr/sbin/smtp-source',
    args: [
      ...['-4', '-d', '-s', String(SENDERS), '-m', String(count), '-l', String(messageBytes)],
      ...['-f', 'app@acme.example', '-t', 'user@example.net', `127.0.0.1:${port}`],
    ],
  })
  const exit = await source.exited
  if (exit.code !== 0) throw new Error(`smtp-source failed: ${source.output()}`)
  const accepted = performance.now()
  const handedOver = await allReceived
  return { acceptRate: (count / (accepted - start)) * 1_000, rate: (count / (handedOver - start)) * 1_000 }
}

/** Nothing of the machine's own Postfix is read for writing: own configuration, queue, state and log. */
async function configure(folder: string, port: number, relay: Relay): Promise<void> {
  const [etc, queue, state] = ['etc', 'queue', 'state'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  // mkdtemp keeps it to root, and most of Postfix runs as its own user.
  await chmod(folder, 0o755)
  await Promise.all([etc, queue, state].map((path) => mkdir(path)))
  const { stdout } = await run('id', ['-u', 'postfix'])
  await chown(state, Number(stdout), -1)
  await writeFile(join(etc, 'main.cf'), mainConfig(folder, relay))
  await writeFile(join(etc, 'master.cf'), await masterConfig(port))
  await cp('/etc/postfix/dynamicmaps.cf', join(etc, 'dynamicmaps.cf'), { force: true }).catch(() => undefined)
  await cp('/etc/postfix/postfix-files', join(etc, 'postfix-files')).catch(() => undefined)
  await run('/usr/sbin/postfix', ['-c', etc, 'check'])
}

function mainConfig(folder: string, relay: Relay): string {
  return Object.entries({
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/state`,
    daemon_directory: DAEMONS,
    command_directory: '/usr/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    maillog_file: `${folder}/state/log`,
    maillog_file_prefixes: folder,
    syslog_name: 'lettergate-bench',
    myhostname: 'bench.example',
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    ...(relay === 'discard' ? { default_transport: 'discard:' } : { relayhost: `[127.0.0.1]:${relay}` }),
    disable_dns_lookups: 'yes',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    default_destination_concurrency_limit: String(CONCURRENCY),
    initial_destination_concurrency: String(CONCURRENCY),
    smtpd_client_connection_count_limit: '0',
  })
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

/** The package's own master.cf on another port, out of the chroot that a temporary queue does not have. */
async function masterConfig(port: number): Promise<string> {
  const shipped = await readFile('/etc/postfix/master.cf', 'utf8')
  return shipped
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !/^maildrop|pipe$|^\s+(flags|user)=/.test(line))
    .map((line) =>
      line.replace(/^smtp(\s+)inet/, `127.0.0.1:${port}$1inet`).replace(/^((?:\S+\s+){4})y/, '$1n'),
    )
    .map((line) => `${line}\n`)
    .join('')
}

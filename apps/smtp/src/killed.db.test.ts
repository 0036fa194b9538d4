import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childEnv } from '@lettergate/config/child-env'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectRaw, type RawClient } from '../test/raw-client.ts'
import { startTestSmtp, TEST_SECRET, type TestSmtp } from '../test/smtp.ts'

/** Each starts processes, two or three one after the other. */
const SLOW_MS = 120_000
let smtp: TestSmtp
let folder: string
const children: ReturnType<typeof spawn>[] = []
beforeEach(async () => {
  smtp = await startTestSmtp()
  folder = mkdtempSync(join(tmpdir(), 'lg-smtp-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
  await smtp.close()
})

/** The SMTP server in a process of its own, and its port without AUTH. */
async function startProcess(
  failpoint = '',
): Promise<{ port: number; ended: Promise<unknown>; stop(): void }> {
  const env = childEnv({
    DATABASE_URL: smtp.db.url,
    LETTERGATE_DATA_DIR: folder,
    LETTERGATE_ENV: 'development',
    LETTERGATE_SECRET: TEST_SECRET.padEnd(32, '.'),
    LG_FAILPOINT: failpoint,
    SMTP_PORT: 'off',
    SMTP_SUBMISSION_PORT: 'off',
    SMTP_TLS_PORT: 'off',
    INBOUND_PORT: 'off',
    SMTP_OPEN_PORT: '0',
    SMTP_OPEN_TENANT: toPublicId('ten', smtp.tenantId),
    SMTP_OPEN_NETWORKS: '127.0.0.1',
    SMTP_METRICS_PORT: undefined,
  })
  const main = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const ended = once(child, 'exit')
  let text = ''
  for await (const piece of child.stdout) {
    text += String(piece)
    const port = /"open":(\d+)/.exec(text)?.[1]
    if (port !== undefined) return { port: Number(port), ended, stop: () => void child.kill('SIGTERM') }
  }
  throw new Error(`the server did not start: ${text}`)
}

async function greet(port: number): Promise<RawClient> {
  const client = await connectRaw(port)
  await client.read()
  await client.ask('EHLO a')
  return client
}

async function send(client: RawClient, name: string): Promise<string> {
  for (const line of ['MAIL FROM:<app@acme.example>', 'RCPT TO:<bob@example.net>', 'DATA']) {
    const answer = await client.ask(line)
    if (!/^(250|354)/.test(answer)) throw new Error(answer)
  }
  return client.ask(`From: app@acme.example\r\nMessage-ID: <${name}@acme.example>\r\n\r\nHi\r\n.`)
}

async function ids(): Promise<string[]> {
  const { rows } = await smtp.db.pool.query<{ id: string }>('select id from message order by id')
  return rows.map(({ id }) => toPublicId('msg', id))
}

test(
  'a server that is killed after the commit and before the 250 has stored the mail once, and the repeat gets its id',
  async () => {
    const first = await startProcess('after_commit_before_reply:kill9')
    await expect(send(await greet(first.port), 'one')).rejects.toThrow('closed')
    await first.ended
    const [stored, ...more] = await ids()
    expect(more).toEqual([])
    const second = await startProcess()
    expect(await send(await greet(second.port), 'one')).toBe(`250 2.0.0 Ok: queued as ${stored}`)
    expect(await ids()).toEqual([stored])
  },
  SLOW_MS,
)

test(
  'a server that is killed before the commit has stored nothing, and the repeat is the first',
  async () => {
    const first = await startProcess('before_commit:kill9')
    await expect(send(await greet(first.port), 'one')).rejects.toThrow('closed')
    await first.ended
    expect(await ids()).toEqual([])
    const second = await startProcess()
    expect(await send(await greet(second.port), 'one')).toMatch(/^250/)
    expect(await ids()).toHaveLength(1)
  },
  SLOW_MS,
)

test(
  'a rolling restart loses no mail and stores none twice',
  async () => {
    const total = 60
    let server = await startProcess()
    const answered: string[] = []
    let sent = 0
    async function sendAll(): Promise<void> {
      let client = await greet(server.port)
      while (sent < total) {
        const name = `m${sent++}`
        for (;;) {
          try {
            const answer = await send(client, name)
            if (!answer.startsWith('250')) throw new Error(answer)
            answered.push(answer)
            break
          } catch {
            client.destroy()
            await expect
              .poll(async () =>
                greet(server.port).then(
                  (next) => (client = next),
                  () => null,
                ),
              )
              .not.toBeNull()
          }
        }
      }
      client.close()
    }
    const clients = [1, 2, 3, 4].map(sendAll)
    for (let round = 0; round < 2; round++) {
      const next = await startProcess()
      const before = server
      server = next
      before.stop()
      expect(await before.ended).toEqual([0, null])
    }
    await Promise.all(clients)
    expect(new Set(answered).size).toBe(total)
    expect(await ids()).toHaveLength(total)
  },
  SLOW_MS,
)

import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { childEnv } from '@lettergate/config/child-env'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../test/api.ts'
import { type ConnectProxy, startConnectProxy } from '../test/connect-proxy.ts'
import { appendTo, send } from '../test/feed.ts'

const page = readFileSync(new URL('../../../docs/guides/polling.md', import.meta.url), 'utf8')

let api: TestApi
let proxy: ConnectProxy
/** What answers in the place of the gateway, such as the page of a network to log in to. */
let stranger: { url: string; close(): Promise<void> }
let folder: string
let certificate: string
beforeAll(async () => {
  api = await startTestApi()
  proxy = await startConnectProxy(api.url)
  stranger = await startStranger()
  folder = mkdtempSync(join(tmpdir(), 'lettergate-polling-'))
  certificate = join(folder, 'certificate.pem')
  writeFileSync(certificate, proxy.certificate)
})
afterAll(async () => {
  await proxy.close()
  await stranger.close()
  await api.close()
  rmSync(folder, { recursive: true })
})

async function startStranger() {
  const server = createServer((_, response) => response.end('<html>Please log in</html>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}

const programs = [
  { language: 'python', command: 'python3', file: 'events.py' },
  { language: 'php', command: 'php', file: 'events.php' },
  { language: 'js', command: process.execPath, file: 'events.mjs' },
  { language: 'bash', command: 'bash', file: 'events.sh' },
]

const isInstalled = (command: string) => spawnSync(command, ['--version']).error === undefined

function programOf(language: string): string {
  const [, program] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  if (program === undefined) throw new Error(`the page has no program in ${language}`)
  return program
}

/** A machine with this program, its cursor file, and nothing else that it would need. */
function install({ language, command, file }: (typeof programs)[number], tenant: TestTenant) {
  const place = mkdtempSync(join(folder, `${language}-`))
  const path = join(place, file)
  writeFileSync(path, programOf(language))
  return async (env: Record<string, string> = {}): Promise<string> => {
    const { stdout } = await promisify(execFile)(command, [path], {
      cwd: place,
      env: childEnv({
        LETTERGATE_URL: api.url,
        LETTERGATE_KEY: tenant.liveKey,
        CURSOR_FILE: join(place, 'cursor'),
        HTTPS_PROXY: undefined,
        https_proxy: undefined,
        NO_PROXY: undefined,
        no_proxy: undefined,
        ...env,
      }),
    })
    return stdout
  }
}

const behindProxy = () => ({
  LETTERGATE_URL: proxy.targetUrl,
  HTTPS_PROXY: proxy.url,
  NODE_USE_ENV_PROXY: '1',
  // One for each: what the programs take for their own.
  SSL_CERT_FILE: certificate,
  CURL_CA_BUNDLE: certificate,
  NODE_EXTRA_CA_CERTS: certificate,
})

/** The events of the output, in their order; Bash prints pages as they came. */
function eventsOf(language: string, stdout: string): string[] {
  const lines = stdout.split('\n').slice(0, -1)
  if (language !== 'bash') return lines
  return lines.flatMap((line) =>
    JSON.parse(line).data.map((event: Record<string, unknown>) =>
      [event.type, event.message_id, event.recipient ?? '-'].join(' '),
    ),
  )
}

describe.each(programs)('the program in $language', (program) => {
  const run = it.skipIf(!isInstalled(program.command))

  run('tells each event once, run after run', async () => {
    const tenant = await api.addTenant()
    const poll = install(program, tenant)
    const first = await send(api, { key: tenant.liveKey })
    expect(eventsOf(program.language, await poll())).toEqual([`message.accepted ${first} -`])
    expect(eventsOf(program.language, await poll())).toEqual([])
    await appendTo(api.db.pool, { ...tenant, messageId: first, count: 250 })
    const second = await send(api, {
      key: tenant.liveKey,
      change: { metadata: { note: '"has_more":true}' } },
    })
    expect(eventsOf(program.language, await poll())).toEqual([
      ...Array.from({ length: 250 }, () => `recipient.deferred ${first} user@example.net`),
      `message.accepted ${second} -`,
    ])
  })

  run('begins anew with an empty cursor file', async () => {
    const tenant = await api.addTenant()
    const id = await send(api, { key: tenant.liveKey })
    const cursorFile = join(folder, `empty-${program.language}`)
    writeFileSync(cursorFile, '')
    const output = await install(program, tenant)({ CURSOR_FILE: cursorFile })
    expect(eventsOf(program.language, output)).toEqual([`message.accepted ${id} -`])
  })

  run('goes through a plain HTTP proxy', async () => {
    const tenant = await api.addTenant()
    const id = await send(api, { key: tenant.liveKey })
    proxy.asked.length = 0
    const output = await install(program, tenant)(behindProxy())
    expect(eventsOf(program.language, output)).toEqual([`message.accepted ${id} -`])
    expect(proxy.asked).toEqual([new URL(proxy.targetUrl).host])
  })

  run('ends with an error and keeps its place when it is refused', async () => {
    const tenant = await api.addTenant()
    const poll = install(program, tenant)
    await poll()
    await expect(poll({ LETTERGATE_KEY: 'lg_live_nonsense' })).rejects.toMatchObject({
      code: expect.any(Number),
    })
    await expect(poll({ LETTERGATE_URL: 'http://127.0.0.1:9' })).rejects.toMatchObject({
      code: expect.any(Number),
    })
    await expect(poll({ LETTERGATE_URL: stranger.url })).rejects.toMatchObject({ code: expect.any(Number) })
    const id = await send(api, { key: tenant.liveKey })
    expect(eventsOf(program.language, await poll())).toEqual([`message.accepted ${id} -`])
  })
})

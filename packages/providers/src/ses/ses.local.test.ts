import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { createSes } from './index.ts'

let local: ChildProcess
let base_url: string

beforeAll(async () => {
  const port = await freePort()
  base_url = `http://127.0.0.1:${port}`
  const program = createRequire(import.meta.url).resolve('aws-ses-v2-local/dist/cli.js')
  local = spawn(process.execPath, [program, '--host', '127.0.0.1', '--port', String(port)], {
    stdio: 'ignore',
  })
  for (let tries = 0; tries < 200 && !(await isUp()); tries++) await setTimeout(100)
})
afterAll(async () => {
  local.kill('SIGKILL')
  if (local.exitCode === null && local.signalCode === null) await once(local, 'exit')
})

test('aws-ses-v2-local receives the message that we send', async () => {
  const ses = createSes()
  const message = buildOutboundMessage({
    subject: 'Grüße',
    bcc: [{ address: 'hidden@example.net' }],
    envelopeTo: ['reader@example.org', 'hidden@example.net'],
    attachments: [
      {
        filename: 'a.pdf',
        contentType: 'application/pdf',
        disposition: 'attachment',
        content: Buffer.alloc(3000, 7),
      },
    ],
  })
  const connection = {
    id: 'con_1',
    credentials: ses.credentials.parse({ access_key_id: 'any', secret_access_key: 'any' }),
    settings: ses.settings.parse({ region: 'eu-west-1', base_url }),
  }
  const io = createTestIo()
  const outcome = await ses.send(message, connection, io)
  await io.close()
  const store: unknown = await fetch(`${base_url}/store`).then((answer) => answer.json())
  expect(store).toMatchObject({
    emails: [
      {
        messageId: outcome.kind === 'accepted' ? outcome.providerMessageId : 'not accepted',
        subject: 'Grüße',
        // It reads the recipients from the MIME, where blind copies must not be named.
        destination: { to: ['reader@example.org'], cc: [], bcc: [] },
        body: { text: message.text, html: message.html },
        attachments: [{ filename: 'a.pdf', content: Buffer.alloc(3000, 7).toString('base64') }],
      },
    ],
  })
})

function isUp(): Promise<boolean> {
  return fetch(`${base_url}/health-check`).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

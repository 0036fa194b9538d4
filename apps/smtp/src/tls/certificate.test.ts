import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { openListener } from '../../test/listener.ts'
import { connectRaw, type RawClient } from '../../test/raw-client.ts'
import { readCertificate, watchCertificate } from './certificate.ts'
import { makeSelfSigned } from './self-signed.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const LOOK_MS = 50

function certificateFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'lg-certificate-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const write = (name: string) => {
    const { cert, key } = makeSelfSigned([name], new Date())
    writeFileSync(files.cert, cert)
    writeFileSync(files.key, key)
  }
  return { files, write }
}

/** The name in the certificate that the session shows. */
async function secure(port: number): Promise<{ client: RawClient; name: string | undefined }> {
  const client = await connectRaw(port)
  cleanups.push(() => client.destroy())
  await client.read()
  await client.ask('EHLO a')
  await client.ask('STARTTLS')
  await client.upgrade()
  const socket = client.socket()
  if (!(socket instanceof TLSSocket)) throw new Error('no TLS')
  return { client, name: socket.getPeerCertificate().subjectaltname }
}

test('a new certificate in the files is that of the next session, and a session of before goes on', async () => {
  const { files, write } = certificateFolder()
  write('before.example')
  const { port, listener } = await openListener({ isOpen: true, certificate: readCertificate(files) })
  cleanups.push(() => listener.drain(0))
  const errors: unknown[] = []
  const unwatch = watchCertificate(files, {
    change: (certificate) => listener.useCertificate(certificate),
    error: (error) => errors.push(error),
    lookMs: LOOK_MS,
  })
  cleanups.push(unwatch)
  const before = await secure(port)
  expect(before.name).toBe('DNS:before.example')

  // A renewal writes the two files one after the other. In between, the key is not that of the certificate.
  writeFileSync(files.cert, makeSelfSigned(['half.example'], new Date()).cert)
  await expect.poll(() => errors.length, { timeout: 5_000 }).toBeGreaterThan(0)
  expect((await secure(port)).name).toBe('DNS:before.example')

  write('after.example')
  await expect.poll(async () => (await secure(port)).name, { timeout: 5_000 }).toBe('DNS:after.example')
  expect(await before.client.ask('EHLO a')).toMatch(/^250/)
  expect(await before.client.ask('MAIL FROM:<a@b.example>')).toMatch(/^250/)
})

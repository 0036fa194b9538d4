import { expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import { EncodeFailed } from './encode-large.ts'
import { buildPendingMime } from './mime-pending.ts'

const bytes = Buffer.from('From: a@b.example\r\nTo: reader@example.org\r\n\r\nGrüße\r\n')
const written = buildOutboundMessage({
  raw: { bytes, messageId: '<1@b.example>', isAscii: false, isHeadAscii: true },
  bcc: [{ address: 'hidden@example.net' }],
})

test('a mail that its client wrote gets a Bcc for unnamed recipients, and is otherwise unchanged', async () => {
  const envelopeTo = ['reader@example.org', 'hidden@example.net']
  const mime = await buildPendingMime({ ...written, envelopeTo })
  expect(mime.equals(Buffer.concat([Buffer.from('Bcc: hidden@example.net\r\n'), bytes]))).toBe(true)
})

test('a mail that names a recipient who already has it is not built: the recipient would get it again', async () => {
  await expect(buildPendingMime({ ...written, envelopeTo: ['hidden@example.net'] })).rejects.toThrow(
    EncodeFailed,
  )
})

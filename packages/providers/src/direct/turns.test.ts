import { expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { reaching, resolverOf } from '../../test/mail-host.ts'
import { playSmtp } from '../../test/smtp-peer.ts'
import { createDirect } from './index.ts'

test('a domain whose connections are all in use is not tried, without effect on it or other domains', async () => {
  const slow = await playSmtp({ message: () => {} })
  const works = await playSmtp()
  const resolver = resolverOf({
    'a.example': { mx: [[10, 'mx.a.example']] },
    'b.example': { mx: [[10, 'mx.b.example']] },
  })
  const direct = createDirect({ resolver })
  const settings = direct.settings.parse({ helo_name: 'gate.example.net', max_connections: 1 })
  const connection = { id: 'con_1', credentials: {}, settings }
  const send = (addresses: string[], beginMs: number) => {
    const io = createTestIo(5_000, { beginMs })
    const ports = { 'mx.a.example': slow.port, 'mx.b.example': works.port }
    const message = buildOutboundMessage({ to: addresses.map((address) => ({ address })) })
    return direct.send(message, connection, { ...io, connect: reaching(io, ports).connect })
  }
  const hanging = send(['1@a.example'], 5_000)
  await expect.poll(() => slow.messages.length).toBe(1)
  expect(await send(['2@a.example', '1@b.example'], 200)).toMatchObject({
    kind: 'accepted',
    refused: [{ address: '2@a.example', kind: 'deferred', code: 'connection-busy', retryAfterMs: 0 }],
  })
  expect(await send(['2@a.example'], 200)).toMatchObject({ kind: 'deferred', code: 'connection-busy' })
  expect(slow.messages).toHaveLength(1)
  await slow.close()
  expect(await hanging).toMatchObject({ kind: 'unknown' })
  await direct.close?.()
  await works.close()
})

import { afterEach, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { playSmtp } from '../../test/smtp-peer.ts'
import { createSmtp } from './index.ts'

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A server that answers messages when the test says so. */
async function start() {
  const answers: (() => void)[] = []
  const peer = await playSmtp({ message: (socket) => void answers.push(() => socket.write('250 ok\r\n')) })
  const smtp = createSmtp()
  cleanups.push(
    () => smtp.close?.(),
    () => peer.close(),
  )
  const settings = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
  const connection = { id: 'con_1', credentials: {}, settings: smtp.settings.parse(settings) }
  return {
    peer,
    /** Answers this number of waiting or coming messages. */
    async answer(count: number) {
      for (let left = count; left > 0; ) {
        const one = answers.shift()
        if (one) left--
        one?.()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    send: () => smtp.send(buildOutboundMessage(), connection, createTestIo()),
    rest: (sockets: number) => smtp.rest?.(connection, sockets),
    goodbyes: () => peer.commands.filter((command) => command === 'QUIT').length,
  }
}

test('unused sockets are closed before other workers may open theirs', async () => {
  const { peer, answer, send, rest, goodbyes } = await start()
  const sent = Promise.all([send(), send(), send()])
  await answer(3)
  await sent
  await rest(1)
  expect([peer.connections(), goodbyes()]).toEqual([3, 2])
  await rest(0)
  expect(goodbyes()).toBe(3)
})

test('a socket in use stays open for its message, and is closed afterwards if the limit is lower', async () => {
  const { peer, answer, send, rest, goodbyes } = await start()
  const sent = Promise.all([send(), send()])
  while (peer.messages.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  await rest(1)
  expect(goodbyes()).toBe(0)
  await answer(2)
  expect(await sent).toMatchObject([{ kind: 'accepted' }, { kind: 'accepted' }])
  while (goodbyes() < 1) await new Promise((resolve) => setTimeout(resolve, 5))
  // The other one is kept, and used again.
  const more = send()
  await answer(1)
  await more
  expect([peer.connections(), goodbyes()]).toEqual([2, 1])
})

test('after a raised limit, sockets are opened and reused again', async () => {
  const { peer, answer, send, rest } = await start()
  await rest(0)
  for (let n = 0; n < 3; n++) {
    const sent = send()
    await answer(1)
    await sent
  }
  expect(peer.connections()).toBe(1)
})

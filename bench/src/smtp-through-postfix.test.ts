import { createSmtp } from '@lettergate/providers/smtp/index'
import { buildOutboundMessage, createTestIo } from '@lettergate/providers/test/io'
import { expect, test } from 'vitest'
import { postfixInstalled, startPostfix } from './postfix.ts'
import { smtpSinkInstalled, startSmtpSink } from './smtp-sink.ts'

const MESSAGES = 20

/* Beside the benchmark, since this is where a Postfix can be started. */
test.skipIf(!postfixInstalled() || !smtpSinkInstalled())(
  'a real Postfix accepts mail over reused connections and forwards it, and the attempt shows its queue id',
  async () => {
    const sink = await startSmtpSink(MESSAGES)
    await using cleanup = new AsyncDisposableStack()
    cleanup.defer(sink.stop)
    const postfix = cleanup.use(await startPostfix(sink.port))
    const smtp = createSmtp()
    cleanup.defer(() => smtp.close?.())
    const settings = { host: '127.0.0.1', port: postfix.port, tls: 'none', allow_insecure: true }
    const connection = {
      id: 'con_1',
      credentials: smtp.credentials.parse({}),
      settings: smtp.settings.parse(settings),
    }
    const io = createTestIo()
    cleanup.defer(() => io.close())
    const ids = new Set<string>()
    for (let at = 0; at < MESSAGES; at++) {
      const outcome = await smtp.send(buildOutboundMessage({ subject: `No. ${at}, größer` }), connection, io)
      if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome))
      ids.add(outcome.providerMessageId)
    }
    expect(ids.size).toBe(MESSAGES)
    for (const id of ids) expect(id).toMatch(/^[0-9A-F]{6,}$/)
    await sink.allReceived
  },
  60_000,
)

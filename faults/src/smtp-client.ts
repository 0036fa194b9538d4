import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Outgoing } from './client.ts'
import { type ClientAnswer, type ClientLedger, type ClientRequest, isSettled } from './client-ledger.ts'
import { logIn, openSmtpSession, type SmtpSession } from './smtp-session.ts'

const REPEAT_AFTER_MS = 100
const GIVE_UP_AFTER_MS = 120_000

/** A reply as the answer by HTTP that means the same, so that one oracle judges both. */
function answerOf(reply: string, startedAt: number): ClientAnswer {
  const took = { at: Date.now(), tookMs: performance.now() - startedAt }
  const messageId = /^250 2\.0\.0 Ok: queued as (msg_\w+)$/.exec(reply)?.[1]
  if (messageId !== undefined) return { ...took, status: 202, messageId }
  const status = reply.startsWith('452') ? 429 : reply.startsWith('4') ? 503 : 422
  return { ...took, status, failure: reply }
}

/** The failure of a session that ends after MAIL and before the answer to the mail. */
export const BROKEN_OFF = 'broken off within a mail'

async function transact(session: SmtpSession, outgoing: Outgoing): Promise<string> {
  const reply = await session.ask('MAIL FROM:<app@acme.example>')
  if (!reply.startsWith('250')) return reply
  try {
    return await sendRest(session, outgoing)
  } catch (error) {
    throw new Error(BROKEN_OFF, { cause: error })
  }
}

async function sendRest(session: SmtpSession, { idempotencyKey, to }: Outgoing): Promise<string> {
  for (const line of [...to.map((one) => `RCPT TO:<${one}>`), 'DATA']) {
    const reply = await session.ask(line)
    if (!/^(250|354)/.test(reply)) return reply
  }
  return session.ask(
    [
      'From: app@acme.example',
      `Subject: Fault test ${idempotencyKey}`,
      `Message-ID: <${idempotencyKey}@acme.example>`,
      '',
      'Hello from the fault tests.',
      '.',
    ].join('\r\n'),
  )
}

/**
 * A client of the SMTP server that writes every answer into the ledger. It keeps its sessions, one for each mail that is under way, and repeats a
 * mail under the same Message-ID.
 */
export function createSmtpClient(options: {
  /** Asked before each new session. */
  port: () => number
  /** Absent: the port knows no AUTH. */
  apiKey?: string
  ledger: ClientLedger
}): Client {
  const idle: SmtpSession[] = []
  const connect = async () => {
    const session = await openSmtpSession(options.port())
    if (options.apiKey !== undefined) await logIn(session, options.apiKey)
    return session
  }

  async function ask(outgoing: Outgoing): Promise<ClientAnswer> {
    const startedAt = performance.now()
    let session = idle.pop()
    try {
      session ??= await connect()
      const reply = await transact(session, outgoing)
      if (reply.startsWith('421')) session.close()
      else if (reply.startsWith('250') || (await session.ask('RSET')).startsWith('250')) idle.push(session)
      return answerOf(reply, startedAt)
    } catch (error) {
      session?.close()
      return {
        at: Date.now(),
        tookMs: performance.now() - startedAt,
        status: 0,
        failure: error instanceof Error ? error.message : String(error),
      }
    }
  }
  const open = ({ idempotencyKey, to }: Outgoing): ClientRequest =>
    options.ledger.open(idempotencyKey, to.length)
  return {
    async send(outgoing) {
      const request = open(outgoing)
      request.answers.push(await ask(outgoing))
      return request
    },
    async sendUntilSettled(outgoing) {
      const request = open(outgoing)
      const deadline = Date.now() + GIVE_UP_AFTER_MS
      do {
        if (request.answers.length > 0) await sleep(REPEAT_AFTER_MS)
        request.answers.push(await ask(outgoing))
      } while (!isSettled(request) && Date.now() < deadline)
      return request
    },
    async askAgain(request, outgoing) {
      request.answers.push(await ask(outgoing))
    },
    close() {
      for (const session of idle.splice(0)) session.close()
    },
  }
}

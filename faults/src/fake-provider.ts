import type { Server } from 'node:net'
import { crc32 } from 'node:zlib'
import { misbehave } from './fake-provider-faults.ts'
import { answer, createWireServer, type WireRequest } from './fake-provider-wire.ts'
import { messageIdOf } from './message-id-of.ts'
import { createFaultScript, type FaultRule } from './provider-fault.ts'
import { createProviderLedger, type ProviderEntry } from './provider-ledger.ts'

export type FakeProviderOptions = {
  /** Time from the end of a request to its answer; the mail is taken at the end of the request. */
  latencyMs?: number
  ledgerFile?: string
  /** Takes a repeat for a mail of its own, as a provider without idempotency keys does. */
  forgetsKeys?: boolean
}

/** Replaces the rules; what is not named stays as it is. */
export type ProviderScript = { latencyMs?: number; forgetsKeys?: boolean; rules: FaultRule[] }

/** Where each kind of provider takes mail, how it says yes, and whether it knows idempotency keys. */
type Dialect = { idField: string; knowsKeys: boolean }
const DIALECTS = new Map<string, Dialect>([
  ['/v2/email/outbound-emails', { idField: 'MessageId', knowsKeys: false }],
  ['/emails', { idField: 'id', knowsKeys: true }],
])
const SIGNED_AT = /\r\nx-amz-date:[ \t]*(\S+)/i
const KEY = /\r\nidempotency-key:[ \t]*(\S+)/i

const noBody = () => ''

/** The meaning of an idempotency key: https://resend.com/docs/dashboard/emails/idempotency-keys */
type Known = { bodyHash: string; answer: string; answeredAt: number }

/** An HTTP server that speaks SES v2's SendEmail and Resend's POST /emails, keeps a ledger of what it took, and misbehaves on request. */
export function createFakeProvider(options: FakeProviderOptions = {}): Server {
  const ledger = createProviderLedger(options.ledgerFile)
  const keys = new Map<string, Known>()
  let { latencyMs = 0, forgetsKeys = false } = options
  let script = createFaultScript([])

  function take(entry: ProviderEntry, key: string | undefined, idField: string): string {
    const known = key === undefined ? undefined : keys.get(key)
    if (known) {
      ledger.appendReplay(entry)
      return known.answer
    }
    ledger.append(entry)
    const body = `{"${idField}":"fake-${ledger.count()}"}`
    if (key !== undefined) {
      keys.set(key, { bodyHash: entry.bodyHash, answer: body, answeredAt: entry.at + latencyMs })
    }
    return body
  }

  /** The answer to a request without a fault: by default it is accepted. */
  function respond(entry: ProviderEntry, key: string | undefined, idField: string): [number, string] {
    const known = key === undefined ? undefined : keys.get(key)
    if (known && known.bodyHash !== entry.bodyHash) {
      return [409, '{"statusCode":409,"name":"invalid_idempotent_request"}']
    }
    if (known && known.answeredAt > entry.at) {
      return [409, '{"statusCode":409,"name":"concurrent_idempotent_requests"}']
    }
    return [200, take(entry, key, idField)]
  }

  function send({ head, body, socket }: WireRequest, { idField, knowsKeys }: Dialect): void {
    const fault = script.onRequest(() => body.toString('latin1'))
    const entry = {
      at: Date.now(),
      messageId: messageIdOf(body),
      bodyHash: crc32(body).toString(36),
      signedAt: SIGNED_AT.exec(head)?.[1],
    }
    const key = knowsKeys && !forgetsKeys ? keyOf(head) : undefined
    if (fault) {
      ledger.appendFault({ at: entry.at, messageId: entry.messageId, fault: fault.kind })
      misbehave(fault, socket, () => take(entry, key, idField))
      return
    }
    const [status, text] = respond(entry, key, idField)
    if (latencyMs === 0) answer(socket, status, text)
    else setTimeout(() => answer(socket, status, text), latencyMs)
  }

  const reports: Record<string, () => unknown> = {
    '/ledger': ledger.entries,
    '/ledger/count': ledger.count,
    '/ledger/replays': ledger.replays,
    '/ledger/faults': ledger.faults,
  }

  function control({ method, path, body, socket }: WireRequest): void {
    const report = reports[path]
    if (report) answer(socket, 200, JSON.stringify(report()))
    else if (path === '/script' && method === 'PUT') {
      const given: ProviderScript = JSON.parse(body.toString())
      latencyMs = given.latencyMs ?? latencyMs
      forgetsKeys = given.forgetsKeys ?? forgetsKeys
      script = createFaultScript(given.rules)
      answer(socket, 200, '{}')
    } else answer(socket, 404, '{"message":"no such path"}')
  }

  const server = createWireServer({
    onConnect(socket) {
      if (script.onConnect(noBody)) socket.resetAndDestroy()
    },
    onHead(head, socket) {
      const isSend = head.startsWith('POST')
      if (!isSend || !script.onHead(noBody)) return true
      socket.resetAndDestroy()
      return false
    },
    onRequest(request) {
      const dialect = DIALECTS.get(request.path)
      if (dialect) send(request, dialect)
      else control(request)
    },
  })
  server.on('close', () => ledger.close())
  return server
}

/** Copied, since a part of the head would keep all of it in memory. */
function keyOf(head: string): string | undefined {
  const key = KEY.exec(head)?.[1]
  return key === undefined ? undefined : Buffer.from(key).toString()
}

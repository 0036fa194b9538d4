import { hash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { messageIdOf } from './message-id-of.ts'
import { createFaultScript, type FaultRule, type ProviderFault } from './provider-fault.ts'
import { createProviderLedger } from './provider-ledger.ts'

const SEND_PATH = '/v2/email/outbound-emails'

export type FakeProviderOptions = {
  /** Time from the end of a request to its answer; the mail is taken at the end of the request. */
  latencyMs?: number
  ledgerFile?: string
}

/** An HTTP server that speaks SES v2's SendEmail, keeps a ledger of what it took, and misbehaves as told. */
export function createFakeProvider(options: FakeProviderOptions = {}): Server {
  const ledger = createProviderLedger(options.ledgerFile)
  let latencyMs = options.latencyMs ?? 0
  let faultOf = createFaultScript([])
  let earlyFaultOf = createFaultScript([])

  const send = (request: IncomingMessage, response: ServerResponse, body: string) => {
    const fault = faultOf(body)
    const take = () => {
      ledger.append({ at: Date.now(), messageId: messageIdOf(body), bodyHash: hash('sha1', body) })
      return `{"MessageId":"fake-${ledger.count()}"}`
    }
    if (fault) return misbehave(fault, request, response, take)
    const answer = take()
    if (latencyMs === 0) return json(response, 200, answer)
    setTimeout(() => json(response, 200, answer), latencyMs)
  }

  const control = (request: IncomingMessage, response: ServerResponse, body: string) => {
    if (request.url === '/ledger') return json(response, 200, JSON.stringify(ledger.entries()))
    if (request.url === '/ledger/count') return json(response, 200, String(ledger.count()))
    if (request.url === '/script' && request.method === 'PUT') {
      const script: { latencyMs?: number; rules: FaultRule[] } = JSON.parse(body)
      latencyMs = script.latencyMs ?? latencyMs
      faultOf = createFaultScript(script.rules.filter((rule) => rule.fault.kind !== 'reset-before-body'))
      earlyFaultOf = createFaultScript(script.rules.filter((rule) => rule.fault.kind === 'reset-before-body'))
      return json(response, 200, '{}')
    }
    return json(response, 404, '{"message":"no such path"}')
  }

  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    if (request.url !== SEND_PATH) return readBody(request, (body) => control(request, response, body))
    if (earlyFaultOf('')) return request.socket.resetAndDestroy()
    readBody(request, (body) => send(request, response, body))
  })
  server.on('close', () => ledger.close())
  return server
}

function readBody(request: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('error', () => undefined)
  request.on('end', () => {
    const [first] = chunks
    done((first && chunks.length === 1 ? first : Buffer.concat(chunks)).toString('latin1'))
  })
}

function json(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  })
  response.end(body)
}

function misbehave(
  fault: ProviderFault,
  request: IncomingMessage,
  response: ServerResponse,
  take: () => string,
): void {
  switch (fault.kind) {
    case 'status':
      json(response, fault.status, fault.body ?? '{"message":"scripted"}', fault.headers)
      break
    case 'delay': {
      const answer = take()
      setTimeout(() => json(response, 200, answer), fault.delayMs)
      break
    }
    case 'no-answer':
      if (fault.taken) take()
      break
    case 'reset-after-body':
      if (fault.taken) take()
      request.socket.resetAndDestroy()
      break
    case 'drip':
      drip(response, take(), fault.everyMs)
      break
    case 'huge-answer':
      json(response, 200, take().replace('}', `,"Padding":"${'x'.repeat(fault.bytes)}"}`))
      break
    case 'reset-before-body':
      request.socket.resetAndDestroy()
  }
}

function drip(response: ServerResponse, answer: string, everyMs: number): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
  let sent = 0
  const timer = setInterval(() => {
    if (sent < answer.length && !response.destroyed) response.write(answer.charAt(sent++))
    else {
      clearInterval(timer)
      response.end()
    }
  }, everyMs)
}

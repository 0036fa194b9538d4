import { Readable } from 'node:stream'
import type { SESv2ClientConfig } from '@aws-sdk/client-sesv2'
import type { STSClientConfig } from '@aws-sdk/client-sts'
import { type HttpRequest, HttpResponse } from '@smithy/core/protocols'
import type { HttpHandlerOptions } from '@smithy/types'
import type { HttpResponse as Answer, Io } from '../provider.ts'

/**
 * The options of each client of the SDK: one attempt, signed by the database's time, and nothing read from the environment or
 * `~/.aws`.
 */
export function clientOptions(io: Io, region: string, transport: SdkTransport) {
  return {
    region,
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard',
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    authSchemePreference: [],
    sigv4aSigningRegionSet: [],
    userAgentAppId: '',
    systemClockOffset: io.now().getTime() - Date.now(),
    requestHandler: transport,
  } as const satisfies SESv2ClientConfig & STSClientConfig
}

export type SdkTransport = {
  handle(request: HttpRequest, options?: HttpHandlerOptions): Promise<{ response: HttpResponse }>
  /** The last answer, before the SDK interprets it. */
  answer(): Answer | undefined
}

/** Makes `io` the only transport of the SDK's clients, so that each socket passes the egress guard. */
export function createSdkTransport(io: Io, timeoutMs?: number): SdkTransport {
  let last: Answer | undefined
  return {
    async handle(request) {
      const url = new URL(`${request.protocol}//${request.hostname}`)
      if (request.port !== undefined) url.port = String(request.port)
      const address = `${url.origin}${request.path}${queryOf(request.query)}`
      const { host: _host, ...headers } = request.headers
      last = await io.request({
        method: methodOf(request.method),
        url: address,
        headers,
        ...(request.body !== undefined && { body: bodyOf(request.body) }),
        ...(timeoutMs !== undefined && { timeoutMs }),
      })
      return {
        response: new HttpResponse({
          statusCode: last.status,
          headers: flatten(last.headers),
          body: Readable.from([last.body]),
        }),
      }
    },
    answer: () => last,
  }
}

function methodOf(method: string): 'GET' | 'POST' | 'PUT' | 'DELETE' {
  if (method === 'GET' || method === 'POST' || method === 'PUT' || method === 'DELETE') return method
  throw new Error(`the SDK wants the method ${method}`)
}

function bodyOf(body: unknown): string | Buffer {
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  throw new Error('the SDK wants to stream a request')
}

function queryOf(query: HttpRequest['query']): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}

function flatten(headers: Answer['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}

import { redact } from '@lettergate/providers/lib/redact'
import type { FeedEvent } from '../feed/index.ts'
import { callEndpoint, type EndpointAnswer } from './call-endpoint.ts'
import { type EndpointSecrets, validSecrets } from './endpoint-secrets.ts'
import { formatOf } from './formats.ts'
import type { WebhookDeps } from './webhook-deps.ts'
import { webhookId } from './webhook-id.ts'

export type Outgoing = {
  tenantId: string
  url: string
  target: string
  content: EndpointSecrets
  format: string
  events: readonly FeedEvent[]
  isList: boolean
}

export const isOk = ({ status }: Pick<EndpointAnswer, 'status'>): boolean =>
  status !== null && status >= 200 && status < 300
export const isGone = ({ status }: EndpointAnswer): boolean => status === 410

type Target = Pick<Outgoing, 'tenantId' | 'url' | 'content' | 'format'>

/** Shorter values of header fields are no secrets, and may be words of any answer. */
const SECRET_CHARS_MIN = 8

/** The values of the tenant's header fields, and what follows the scheme in them. */
function secretsOf({ headers }: EndpointSecrets): string[] {
  return Object.values(headers)
    .flatMap((value) => [value, value.slice(value.lastIndexOf(' ') + 1)])
    .filter((value) => value.length >= SECRET_CHARS_MIN)
}

/** Calls a URL with this body, signed as its format says. Receivers that repeat a request in their answer do not show its stored fields. */
export async function callSigned(
  { egress }: Pick<WebhookDeps, 'egress'>,
  { tenantId, url, content, format }: Target,
  call: { id: string; at: Date; body: string },
  signal?: AbortSignal,
): Promise<EndpointAnswer> {
  const signed = formatOf(format).sign(call, validSecrets(content, call.at.getTime()))
  const headers = { ...content.headers, ...signed }
  const called = await callEndpoint(egress.forTenant(tenantId), { url, headers, body: call.body }, signal)
  return { ...called, answer: called.answer && redact(called.answer, secretsOf(content)) }
}

/** Calls a URL with one event or several; whatever comes of it is an answer. */
export async function makeCall(
  deps: Pick<WebhookDeps, 'egress' | 'onCall'>,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<EndpointAnswer> {
  const { target, events, isList } = outgoing
  const body = formatOf(outgoing.format).body(target, events, isList)
  const answer = await callSigned(
    deps,
    outgoing,
    { id: webhookId(target, events), at: new Date(), body },
    signal,
  )
  deps.onCall(answer.status === null ? 'broken' : isOk(answer) ? 'ok' : 'failed', answer.ms)
  return answer
}

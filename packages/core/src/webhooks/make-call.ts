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

export const isOk = ({ status }: EndpointAnswer): boolean => status !== null && status >= 200 && status < 300
export const isGone = ({ status }: EndpointAnswer): boolean => status === 410

/** Calls a URL with one event or several; whatever comes of it is an answer. */
export async function makeCall(
  deps: Pick<WebhookDeps, 'egress' | 'onCall'>,
  { tenantId, url, target, content, format: name, events, isList }: Outgoing,
  signal: AbortSignal,
): Promise<EndpointAnswer> {
  const at = new Date()
  const format = formatOf(name)
  const body = format.body(target, events, isList)
  const signed = format.sign({ id: webhookId(target, events), at, body }, validSecrets(content, at.getTime()))
  const answer = await callEndpoint(
    deps.egress.forTenant(tenantId),
    { url, headers: { ...content.headers, ...signed }, body },
    signal,
  )
  deps.onCall(answer.status === null ? 'broken' : isOk(answer) ? 'ok' : 'failed', answer.ms)
  return answer
}

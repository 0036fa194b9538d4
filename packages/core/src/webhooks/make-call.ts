import type { FeedEvent } from '../feed/index.ts'
import { callEndpoint, type EndpointAnswer } from './call-endpoint.ts'
import { type EndpointSecrets, validSecrets } from './endpoint-secrets.ts'
import { bodyOf, webhookId } from './event-call.ts'
import type { WebhookDeps } from './webhook-deps.ts'

export type Outgoing = {
  url: string
  target: string
  content: EndpointSecrets
  events: readonly FeedEvent[]
  isList: boolean
}

export const isOk = ({ status }: EndpointAnswer): boolean => status !== null && status >= 200 && status < 300
export const isGone = ({ status }: EndpointAnswer): boolean => status === 410

/** Calls a URL with one event or several; whatever comes of it is an answer. */
export async function makeCall(
  deps: Pick<WebhookDeps, 'egress' | 'onCall'>,
  { url, target, content, events, isList }: Outgoing,
  signal: AbortSignal,
): Promise<EndpointAnswer> {
  const at = new Date()
  const answer = await callEndpoint(
    deps.egress,
    {
      url,
      headers: content.headers,
      id: webhookId(target, events),
      at,
      body: bodyOf(events, isList),
      secrets: validSecrets(content, at.getTime()),
    },
    signal,
  )
  deps.onCall(answer.status === null ? 'broken' : isOk(answer) ? 'ok' : 'failed', answer.ms)
  return answer
}

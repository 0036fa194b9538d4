/** Webhooks: tenants' endpoints, and the calls that bring them what happened. */
export { callEndpoint, type EndpointAnswer } from './call-endpoint.ts'
export { createCallbackReaders, readDefaultSecret, rotateDefaultSecret } from './default-secret.ts'
export { EndpointSecrets, validSecrets } from './endpoint-secrets.ts'
export {
  createEndpoint,
  deleteEndpoint,
  type EndpointDeps,
  type EndpointInfo,
  listEndpoints,
  type Owner,
  readEndpoint,
  rotateEndpointSecret,
  updateEndpoint,
} from './endpoints.ts'
export { type DeliveryInfo, listDeliveries } from './list-deliveries.ts'
export { isOk } from './make-call.ts'
export { replayEvents } from './replay.ts'
export { targetOfUrl } from './serve-own-urls.ts'
export type { ClaimedDelivery } from './sql/claim-deliveries.ts'
export { testEndpoint } from './test-endpoint.ts'
export type { CallResult, InboundCalls } from './webhook-deps.ts'
export { webhookId } from './webhook-id.ts'
export { createWebhookSender, type WebhookSender } from './webhook-sender.ts'

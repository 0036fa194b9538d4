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
  openEndpoint,
  readEndpoint,
  rotateEndpointSecret,
  updateEndpoint,
} from './endpoints.ts'
export { type DeliveryInfo, listDeliveries } from './list-deliveries.ts'
export { replayEvents } from './replay.ts'
export { testEndpoint } from './test-endpoint.ts'
export type { CallResult, WebhookDeps } from './webhook-deps.ts'
export { createWebhookSender, type WebhookSender } from './webhook-sender.ts'

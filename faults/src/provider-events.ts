import { createConnection } from './gateway.ts'
import type { Stack } from './stack.ts'

/** The URL by which providers reach the gateway. */
export const PUBLIC_URL = 'https://mail.example.com'

/** Where the events of a connection come in, and the password that its provider sends along. */
export type EventTarget = { url: string; password: string }

/** A connection to Postmark whose events are registered by hand. */
export async function registerByHand({
  apiUrl,
  tenant,
}: Pick<Stack, 'apiUrl' | 'tenant'>): Promise<EventTarget> {
  const id = await createConnection(apiUrl, tenant.apiKey, {
    provider: 'postmark',
    credentials: { server_token: 'secret' },
    settings: {},
    priority: 1_000,
  })
  const response = await fetch(`${apiUrl}/v1/connections/${id}/register-events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ manual: true }),
  })
  const { url, steps }: { url: string; steps: string[] } = JSON.parse(await response.text())
  const [, password = ''] = /the password ([\w-]+)\./.exec(steps.join(' ')) ?? []
  return { url: url.replace(PUBLIC_URL, apiUrl), password }
}

/** Posts an event as Postmark does. */
export function postEvent(
  { url, password }: EventTarget,
  event: string,
  more: Record<string, string> = {},
): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`lettergate:${password}`).toString('base64')}`
  return fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...more },
    body: JSON.stringify({ RecordType: 'Delivery', MessageID: event }),
  })
}

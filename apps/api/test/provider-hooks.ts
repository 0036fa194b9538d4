import {
  type EventAccount,
  type HookRequest,
  loadAccounts,
  type Proof,
  playAccount,
} from '@lettergate/providers/test/event-account'
import { readFixtures } from '@lettergate/providers/test/events'
import type { TestApi, TestTenant } from './api.ts'

export const PUBLIC_URL = 'https://mail.example.com/gateway'

export type ConnectedAccount = EventAccount & {
  id: string
  tenant: TestTenant
  /** Posts an event of the provider to a URL of ours, or what is left after `change`. */
  send(
    url: string,
    options?: Proof & { change?: (request: HookRequest) => HookRequest; event?: unknown },
  ): Promise<Response>
}

/** Calls a URL that a provider was given at the api under test. */
export function fetchHook(api: TestApi, url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url.replace(PUBLIC_URL, api.url), init)
}

/** A connection to a fake of a provider, of a tenant of its own unless one is given. */
export async function connectAccount(
  api: TestApi,
  provider: string,
  given?: TestTenant,
): Promise<ConnectedAccount> {
  const tenant = given ?? (await api.addTenant())
  const kind = (await loadAccounts())[provider]
  if (!kind) throw new Error(`${provider} sends no events`)
  const account = await playAccount(kind)
  const body = { provider, name: 'Account', ...account.connection }
  const { json, status, text } = await api.call('POST', '/v1/connections', { body, key: tenant.liveKey })
  if (status !== 201) throw new Error(text)
  const [first] = Object.values(readFixtures(provider))
  return {
    ...account,
    id: String(json.id),
    tenant,
    send(url, { change = (request: HookRequest) => request, event = first, ...proof } = {}) {
      const { headers, body: bytes } = change(account.post(url, event, proof))
      return fetchHook(api, url, { method: 'POST', headers, body: new Uint8Array(bytes) })
    },
  }
}

/** The same, registered; answers the URL too. */
export async function registerAccount(
  api: TestApi,
  provider: string,
  given?: TestTenant,
): Promise<ConnectedAccount & { url: string }> {
  const account = await connectAccount(api, provider, given)
  const path = `/v1/connections/${account.id}/register-events`
  const { json, text } = await api.call('POST', path, { body: {}, key: account.tenant.liveKey })
  if (json.registered !== true) throw new Error(text)
  return { ...account, url: String(json.url) }
}

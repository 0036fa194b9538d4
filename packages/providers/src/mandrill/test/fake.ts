import type { FakeApi } from '../../../test/event-account.ts'

/** Webhooks of an account with the API key md-secret; `key` signs. */
export function fakeMandrill(key: string): FakeApi {
  type Webhook = { id: number; url: string; auth_key: string; events: string[] }
  const webhooks: Webhook[] = []
  let lastId = 0
  const add = (url: string, events: string[]) => {
    const made = { id: ++lastId, url, auth_key: key, events }
    webhooks.push(made)
    return made
  }
  return {
    urls: () => webhooks.filter(({ events }) => events.includes('hard_bounce')).map(({ url }) => url),
    add: (url) => void add(url, ['hard_bounce']),
    switchOff(url) {
      for (const webhook of webhooks) if (webhook.url === url) webhook.events = []
    },
    answer({ method, path, body }) {
      const { key: given, id, url, events } = JSON.parse(body)
      if (method !== 'POST' || given !== 'md-secret') return [401, { status: 'error', name: 'Invalid_Key' }]
      if (path === '/api/1.3/webhooks/list') return [200, webhooks]
      if (path === '/api/1.3/webhooks/add') return [200, add(url, events)]
      const one = webhooks.find((webhook) => webhook.id === id)
      if (!one) return [500, { status: 'error', name: 'Unknown_Webhook' }]
      if (path === '/api/1.3/webhooks/delete') webhooks.splice(webhooks.indexOf(one), 1)
      return [200, path === '/api/1.3/webhooks/update' ? Object.assign(one, { url, events }) : one]
    },
  }
}

import type { FakeApi } from '../../../test/event-account.ts'

const path = '/v3/user/webhooks/event/settings'

/** Webhooks of an account with the API key SG.secret; `key` is the public one. */
export function fakeSendgrid(key: string): FakeApi {
  type Webhook = { id: string; url: string; enabled: boolean; public_key: string; bounce?: boolean }
  const webhooks: Webhook[] = []
  let lastId = 0
  const add = (webhook: Omit<Webhook, 'id' | 'public_key'>) => {
    const made = { ...webhook, id: `id-${++lastId}`, public_key: '' }
    webhooks.push(made)
    return made
  }
  return {
    urls: () => webhooks.filter(({ enabled, bounce }) => enabled && bounce !== false).map(({ url }) => url),
    add: (url) => void add({ url, enabled: true }),
    switchOff(url) {
      for (const webhook of webhooks) if (webhook.url === url) webhook.enabled = false
    },
    answer({ method, path: asked, headers, body }) {
      if (headers.authorization !== 'Bearer SG.secret') return [401, { errors: [] }]
      const given = body === '' ? {} : JSON.parse(body)
      if (method === 'GET' && asked === `${path}/all`) return [200, { max_allowed: 5, webhooks }]
      if (method === 'POST' && asked === path) return [201, add(given)]
      const one = webhooks.find(({ id }) => asked.endsWith(`/${id}`))
      if (!one) return [404, { errors: [{ message: 'not found' }] }]
      if (method === 'PATCH' && asked === `${path}/signed/${one.id}`) {
        one.public_key = given.enabled ? key : ''
        return [200, { id: one.id, public_key: one.public_key }]
      }
      if (method === 'PATCH' && asked === `${path}/${one.id}`) return [200, Object.assign(one, given)]
      if (method !== 'DELETE' || asked !== `${path}/${one.id}`) return [405, {}]
      webhooks.splice(webhooks.indexOf(one), 1)
      return [204, '']
    },
  }
}

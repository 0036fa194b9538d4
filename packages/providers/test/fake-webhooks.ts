import type { FakeAnswer, FakeApi } from './event-account.ts'
import type { Exchange } from './http-peer.ts'

/** A webhook of a fake: what was given when it was made or changed. */
export type FakeWebhook = { id: number; url: string; given: { [key: string]: unknown } }

/** A fake of an API of the usual form: list, make, change and remove at one path. */
export function fakeWebhooks(own: {
  path: string
  /** Whether a request shows the credentials. */
  knows(exchange: Exchange): boolean
  urlOf(given: FakeWebhook['given']): unknown
  list(webhooks: FakeWebhook[]): unknown
  one(webhook: FakeWebhook, isNew: boolean): unknown
  /** Whether what was given makes it send events of all kinds, with the proof. */
  isWhole(given: FakeWebhook['given']): boolean
  idOf?(id: number): string
}): FakeApi {
  const { idOf = String } = own
  const webhooks: FakeWebhook[] = []
  let lastId = 0
  const add = (url: string, given: FakeWebhook['given']) => {
    const made = { id: ++lastId, url, given }
    webhooks.push(made)
    return made
  }
  return {
    urls: () => webhooks.filter(({ given }) => given.isForeign || own.isWhole(given)).map(({ url }) => url),
    add: (url) => void add(url, { isForeign: true }),
    switchOff(url) {
      for (const webhook of webhooks) if (webhook.url === url) webhook.given = {}
    },
    answer(exchange): FakeAnswer {
      const { method, body } = exchange
      const [path = ''] = exchange.path.split('?')
      if (!own.knows(exchange)) return [401, {}]
      const given = body === '' ? {} : JSON.parse(body)
      if (path === own.path && method === 'GET') return [200, own.list(webhooks)]
      if (path === own.path && method === 'POST')
        return [201, own.one(add(String(own.urlOf(given)), given), true)]
      const found = webhooks.find(({ id }) => path === `${own.path}/${idOf(id)}`)
      if (!found) return [404, {}]
      if (method === 'PUT') {
        found.given = given
        return [200, own.one(found, false)]
      }
      if (method !== 'DELETE') return [405, {}]
      webhooks.splice(webhooks.indexOf(found), 1)
      return [200, {}]
    },
  }
}

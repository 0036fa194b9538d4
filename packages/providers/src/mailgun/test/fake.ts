import type { FakeApi } from '../../../test/event-account.ts'

const kinds = 'accepted clicked complained delivered opened permanent_fail temporary_fail unsubscribed'

/** Webhooks of the domain mg.example.com of an account with the API key key-123; `key` signs. */
export function fakeMailgun(key: string): FakeApi {
  const webhooks = new Map<string, string>()
  return {
    urls: () => [...webhooks].filter(([, types]) => types === kinds).map(([url]) => url),
    add: (url) => void webhooks.set(url, kinds),
    switchOff: (url) => void webhooks.set(url, ''),
    answer({ method, path, headers, body }) {
      if (headers.authorization !== `Basic ${Buffer.from('api:key-123').toString('base64')}`)
        return [401, { message: 'Forbidden' }]
      if (path === '/v5/accounts/http_signing_key')
        return [200, { message: 'success', http_signing_key: key }]
      const { pathname, searchParams } = new URL(path, 'http://fake.example')
      if (pathname !== '/v4/domains/mg.example.com/webhooks') return [404, { message: 'Not found' }]
      if (method === 'DELETE') {
        const isGone = webhooks.delete(searchParams.get('url') ?? '')
        return isGone ? [200, { webhooks: {} }] : [404, { message: 'Webhook not found' }]
      }
      const form = new URLSearchParams(body)
      const url = form.get('url') ?? ''
      if (webhooks.has(url)) return [400, { message: 'The URL is registered already' }]
      webhooks.set(url, form.getAll('event_types').sort().join(' '))
      return [200, { webhooks: {} }]
    },
  }
}

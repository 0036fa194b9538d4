import { expect, test } from 'vitest'
import type { Provider } from '../provider.ts'
import { createProviders } from '../registry.ts'
import { namedBy } from './targets.ts'

const providers: Readonly<Record<string, Provider>> = createProviders()
const at = (host: string[], port = host) => ({ host, port })
const microsoft = { tenant: 'contoso.example', user: 'w@example.com' }

test.each<[string, object, (object | null)[]]>([
  ['smtp', { host: 'mx.example.net', port: 587, helo_name: 'mx.example.net' }, [at(['host'], ['port'])]],
  ['smtp', { preset: 'brevo' }, [null]],
  [
    'smtp',
    { host: 'mx.example.net', port: 587, token_url: 'https://login.example.net/token' },
    [at(['host'], ['port']), at(['token_url'])],
  ],
  ['smtp', { preset: 'gmail', host: 'mx.example.net' }, [at(['host'], ['port']), null]],
  ['ses', { region: 'eu-west-1', base_url: 'https://ses.example.com:8443/x/' }, [at(['base_url'])]],
  ['ses', { region: 'eu-west-1' }, [null]],
  ['gmail', { user: 'w@example.com', base_url: 'https://g.example.com' }, [at(['base_url']), null]],
  ['gmail', { user: 'w@example.com', token_url: 'http://[::1]:80/t' }, [null, at(['token_url'])]],
  ['microsoft365', { ...microsoft, login_url: 'https://l.example.com' }, [null, at(['login_url'])]],
  ['direct', { helo_name: 'mail.acme.example' }, [null]],
  [
    'direct',
    { helo_name: 'mail.acme.example', instead_of_mx: { host: 'mail.acme.example', port: 2525 } },
    [at(['instead_of_mx', 'host'], ['instead_of_mx', 'port'])],
  ],
])('%s with %j: each target is named by the setting that it came from', (id, given, expected) => {
  const provider = providers[id]
  const settings = provider?.settings.parse(given)
  expect(provider?.targets(settings).map((target) => namedBy(settings, target))).toEqual(expected)
})

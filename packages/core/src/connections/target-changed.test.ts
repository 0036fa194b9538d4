import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { expect, it } from 'vitest'
import { targetChanged } from './target-changed.ts'

const providers: Readonly<Record<string, Provider>> = createProviders()

function judge(id: string, before: unknown, after: unknown): boolean {
  const provider = providers[id]
  if (!provider) throw new Error(`there is no ${id}`)
  return targetChanged(provider, before, after)
}

const smtp = { host: 'mx.example.net', port: 587 }
const graph = { tenant: 'acme.example', user: 'app@acme.example' }
const gmail = { user: 'app@acme.example' }

it.each([
  ['smtp', 'another host', smtp, { ...smtp, host: 'mx.evil.example' }],
  ['smtp', 'another port', smtp, { ...smtp, port: 465 }],
  ['smtp', 'TLS that may be left out', smtp, { ...smtp, tls: 'opportunistic' }],
  ['smtp', 'no TLS', { ...smtp, allow_insecure: true }, { ...smtp, allow_insecure: true, tls: 'none' }],
  ['smtp', 'any certificate', smtp, { ...smtp, allow_insecure: true }],
  ['smtp', 'a host of its own in place of a preset', { preset: 'sendgrid' }, smtp],
  ['smtp', 'other tokens', smtp, { ...smtp, token_url: 'https://evil.example/token' }],
  [
    'ses',
    'another address',
    { region: 'eu-west-1' },
    { region: 'eu-west-1', base_url: 'https://evil.example' },
  ],
  [
    'mailgun',
    'another address',
    { domain: 'a.example' },
    { domain: 'a.example', base_url: 'https://evil.example' },
  ],
  ['gmail', 'another place for tokens', gmail, { ...gmail, token_url: 'https://evil.example/token' }],
  [
    'gmail',
    'another path on the same host',
    { ...gmail, token_url: 'https://shared.example/ours' },
    { ...gmail, token_url: 'https://shared.example/theirs' },
  ],
  ['microsoft365', 'another login', graph, { ...graph, login_url: 'https://evil.example' }],
  ['microsoft365', 'another Graph', graph, { ...graph, base_url: 'https://evil.example' }],
  ['smtp', 'what was stored does not fit any more', { host: 'mx.example.net' }, smtp],
])('%s: %s is another target', (id, _, before, after) => {
  expect(judge(id, before, after)).toBe(true)
})

it.each([
  ['smtp', 'the same again', smtp, smtp],
  ['smtp', 'another greeting', smtp, { ...smtp, helo_name: 'a.example', max_connections: 3 }],
  ['smtp', 'TLS from the first byte', smtp, { ...smtp, tls: 'implicit' }],
  ['smtp', 'TLS again', { ...smtp, tls: 'opportunistic' }, { ...smtp, tls: 'starttls' }],
  ['mailgun', 'another domain', { domain: 'a.example' }, { domain: 'b.example' }],
  ['gmail', 'the usual place, in words', gmail, { ...gmail, user: 'other@acme.example' }],
  [
    'direct',
    'one server for all, since its keys only sign,',
    { helo_name: 'a.example' },
    { helo_name: 'a.example', instead_of_mx: smtp },
  ],
  [
    'direct',
    'TLS where there is any',
    { helo_name: 'a.example' },
    { helo_name: 'a.example', tls: 'opportunistic' },
  ],
  ['capture', 'nowhere', {}, {}],
])('%s: %s is the same target', (id, _, before, after) => {
  expect(judge(id, before, after)).toBe(false)
})

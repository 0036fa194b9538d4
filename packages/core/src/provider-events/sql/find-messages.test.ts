import { readFileSync } from 'node:fs'
import type { Provider } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { expect, test } from 'vitest'

test('messages are found by the ids of every provider that sends events', () => {
  const text = readFileSync(new URL('find-messages.ts', import.meta.url), 'utf8')
  const [, list = ''] = /a\.provider in \(([^)]+)\)/.exec(text) ?? []
  const found = [...list.matchAll(/'(\w+)'/g)].map(([, id]) => id)
  const wanted = Object.values<Provider>(createProviders())
    .filter(({ events }) => events !== undefined && events.proof !== 'none')
    .map(({ id }) => id)
  expect(
    wanted.filter((id) => !found.includes(id)),
    'add these to the list in find-messages.ts, and make the index attempt_provider_message anew with it, by a migration and in prisma/schema',
  ).toEqual([])
})

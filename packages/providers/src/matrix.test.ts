import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { toMatrix } from './matrix.ts'
import { createProviders } from './registry.ts'

const docs = new URL('../../../docs/providers/', import.meta.url)
const providers = createProviders()

test('docs/providers/matrix.md says what the providers can do', async () => {
  expect(await readFile(new URL('matrix.md', docs), 'utf8')).toBe(toMatrix(Object.values(providers)))
})

test('every provider is registered under its own id and has a page', async () => {
  for (const [id, provider] of Object.entries(providers)) {
    expect(provider.id).toBe(id)
    expect(await readFile(new URL(`${id}.md`, docs), 'utf8')).toContain(`# ${id}`)
  }
})

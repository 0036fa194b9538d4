import { existsSync } from 'node:fs'
import { createProviders } from '../src/registry.ts'
import type { Example } from './example.ts'

/** Providers that call no API: they send nothing, or speak SMTP. */
export const withoutApi: readonly string[] = ['capture', 'direct', 'smtp']

/** Loads the example of every provider with an API; the error names the file that is missing. */
export async function loadExamples(): Promise<[id: string, example: Example][]> {
  const ids = Object.keys(createProviders()).filter((id) => !withoutApi.includes(id))
  return Promise.all(
    ids.map(async (id) => {
      await requireFile(id, 'example')
      const { example }: { example: Example } = await import(`../src/${id}/test/example.ts`)
      return [id, example] satisfies [string, Example]
    }),
  )
}

/** Refuses to go on without a file of a provider. */
export async function requireFile(id: string, name: 'example' | 'account'): Promise<void> {
  if (existsSync(new URL(`../src/${id}/test/${name}.ts`, import.meta.url))) return
  throw new Error(
    `the provider ${id} needs packages/providers/src/${id}/test/${name}.ts: write it as that of postmark is`,
  )
}

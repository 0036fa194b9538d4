import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApi, type TestApi } from '../test/api.ts'

const isInstalled = spawnSync('curl', ['--version']).error === undefined
if (!isInstalled) process.stdout.write('skipped: curl is not installed\n')
const run = promisify(execFile)

const examplesOf = (guide: string) => {
  const page = readFileSync(new URL(`../../../docs/guides/${guide}.md`, import.meta.url), 'utf8')
  return [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = '']) => [guide, text] as const)
}

describe.skipIf(!isInstalled)('the commands of the guides', () => {
  let api: TestApi
  let keyId: string
  beforeAll(async () => {
    api = await startTestApi({ egressResolve: async () => ['8.8.8.8'] })
    const body = { name: 'Guide', scopes: ['messages:send'] }
    keyId = String((await api.call('POST', '/v1/keys', { body })).json.id)
  })
  afterAll(() => api.close())

  test.each([...examplesOf('keys'), ...examplesOf('sandboxes')])(
    'of %s are answered with success: %s',
    async (_guide, text) => {
      const values = { LETTERGATE_URL: api.url, LETTERGATE_KEY: api.tenant.liveKey, KEY_ID: keyId }
      const exports = Object.entries(values).map(([name, value]) => `export ${name}='${value}'`)
      const script = [...exports, text.replaceAll('curl ', 'curl -sf ')].join('\n')
      const { stdout } = await run('sh', ['-c', script])
      expect(Object.keys(JSON.parse(stdout)).length).toBeGreaterThan(1)
    },
  )
})

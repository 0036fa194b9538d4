import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
/** Variables of the programs on the pages, and of docker-compose.yml. */
const OF_OTHERS = new Set(['LETTERGATE_URL', 'LETTERGATE_KEY', 'API_KEY', 'API_URL', 'REDIS_IMAGE'])

test('every setting that a page for users names exists', () => {
  const settings = new Set(
    Array.from(
      readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^#?([A-Z0-9_]+)=/gm),
      ([, name]) => name,
    ),
  )
  const unknown = globSync(['README.md', 'docs/{guides,problems,providers}/*.md'], { cwd: root }).flatMap(
    (path) =>
      Array.from(
        readFileSync(join(root, path), 'utf8').matchAll(
          /\b(?:LETTERGATE|API|SMTP|INBOUND|WORKER|REDIS|DATABASE)_[A-Z0-9_]+\b/g,
        ),
        ([name]) => name,
      )
        .filter((name) => !settings.has(name) && !OF_OTHERS.has(name))
        .map((name) => `${path}: ${name}`),
  )
  expect(unknown).toEqual([])
})

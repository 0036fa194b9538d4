import { spawnSync } from 'node:child_process'
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { buildApp } from '../apps/api/src/app.ts'
import { createDeps } from '../apps/api/src/create-deps.ts'
import { createLogger } from '../apps/api/src/logger.ts'
import { childEnv } from '../packages/config/src/child-env.ts'

const Report = z.object({
  problems: z.array(
    z.object({
      severity: z.string(),
      ruleId: z.string(),
      message: z.string(),
      location: z.array(z.object({ pointer: z.string().optional() })),
    }),
  ),
})
const ROOT = join(import.meta.dirname, '..')
const REDOCLY = join(ROOT, 'node_modules', '@redocly', 'cli', 'bin', 'cli.js')

/** The document as /openapi.json serves it; no request is made, so no database is needed. */
async function openApiDocument(): Promise<unknown> {
  const deps = createDeps({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    secret: createSecretKey(randomBytes(32)),
    egressAllow: [],
    logger: createLogger('silent'),
  })
  const app = await buildApp(deps)
  try {
    await app.ready()
    return app.swagger()
  } finally {
    await app.close()
    await deps.close()
  }
}

/** The findings of Redocly by its recommended rules; a warning counts, because nobody reads the warnings of a run that passes. */
function lint(document: unknown): z.infer<typeof Report>['problems'] {
  const folder = mkdtempSync(join(tmpdir(), 'lettergate-openapi-'))
  try {
    const file = join(folder, 'openapi.json')
    writeFileSync(file, JSON.stringify(document, null, 2))
    const env = childEnv({ REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' })
    const args = [
      REDOCLY,
      'lint',
      file,
      '--extends',
      'recommended',
      '--format',
      'json',
      '--max-problems',
      '1000',
    ]
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' })
    if (stdout === '') throw new Error(`Redocly says nothing but: ${stderr}`)
    return Report.parse(JSON.parse(stdout)).problems
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const problems = lint(await openApiDocument())
for (const { severity, ruleId, message, location } of problems) {
  process.stderr.write(`openapi.json ${location[0]?.pointer ?? ''}: ${severity}: ${message} (${ruleId})\n`)
}
process.exitCode = problems.length === 0 ? 0 : 1

import { createSecretKey } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { buildApp } from '../app.ts'
import { createDeps } from '../create-deps.ts'
import { createLogger } from '../logger.ts'

/** Writes the OpenAPI document to a file: `write-openapi.ts PATH`. Needs no database. */
async function main(path: string | undefined): Promise<void> {
  if (path === undefined) throw new Error('name the file to write')
  const deps = createDeps({
    databaseUrl: 'postgres://nowhere.invalid/none',
    secret: createSecretKey(Buffer.alloc(32)),
    egressAllow: [],
    logger: createLogger('silent'),
  })
  const app = await buildApp(deps)
  await app.ready()
  await writeFile(path, `${JSON.stringify(app.swagger(), null, 2)}\n`)
  await app.close()
  await deps.close()
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toMatrix } from '../packages/providers/src/matrix.ts'
import { createProviders } from '../packages/providers/src/registry.ts'

const page = join(import.meta.dirname, '..', 'docs', 'providers', 'matrix.md')
writeFileSync(page, toMatrix(Object.values(createProviders())))

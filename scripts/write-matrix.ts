import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toMatrix } from '@lettergate/providers/matrix'
import { createProviders } from '@lettergate/providers/registry'

const page = join(import.meta.dirname, '..', 'docs', 'providers', 'matrix.md')
writeFileSync(page, toMatrix(Object.values(createProviders())))

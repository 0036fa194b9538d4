import { join } from 'node:path'
import { importCircles } from './import-circles.ts'
import { checkoutErrors, ownPath, sourceFiles } from './import-rule.ts'
import { unusedDependencies } from './unused-dependencies.ts'

const root = join(import.meta.dirname, '..')
const errors = [
  ...checkoutErrors(root),
  ...importCircles(sourceFiles(root), ownPath(root)),
  ...unusedDependencies(root),
]
for (const error of errors) process.stderr.write(`${error}\n`)
process.exitCode = errors.length === 0 ? 0 : 1

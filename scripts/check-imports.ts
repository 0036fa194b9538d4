import { join } from 'node:path'
import { importCircles } from './import-circles.ts'
import { checkoutFaults, ownPath, sourceFiles } from './import-rule.ts'
import { unusedDependencies } from './unused-dependencies.ts'

const root = join(import.meta.dirname, '..')
const faults = [
  ...checkoutFaults(root),
  ...importCircles(sourceFiles(root), ownPath(root)),
  ...unusedDependencies(root),
]
for (const fault of faults) process.stderr.write(`${fault}\n`)
process.exitCode = faults.length === 0 ? 0 : 1

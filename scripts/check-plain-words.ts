import { join } from 'node:path'
import { checkoutErrors } from './plain-words.ts'

const errors = checkoutErrors(join(import.meta.dirname, '..'))
for (const error of errors) process.stderr.write(`${error}\n`)
process.exitCode = errors.length === 0 ? 0 : 1

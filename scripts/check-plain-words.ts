import { join } from 'node:path'
import { checkoutFaults } from './plain-words.ts'

const faults = checkoutFaults(join(import.meta.dirname, '..'))
for (const fault of faults) process.stderr.write(`${fault}\n`)
process.exitCode = faults.length === 0 ? 0 : 1

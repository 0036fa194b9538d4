import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { envExample } from '../packages/config/src/env-example.ts'

writeFileSync(join(import.meta.dirname, '..', '.env.example'), envExample())

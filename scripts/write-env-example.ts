import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { envExample } from '@lettergate/config/env-example'

writeFileSync(join(import.meta.dirname, '..', '.env.example'), envExample())

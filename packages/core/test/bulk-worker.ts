import { createPool } from '@lettergate/db/pool'
import { createFailpoint } from '../src/lib/index.ts'
import { createBulkRunner } from '../src/messages/index.ts'

/** A worker process that carries jobs over messages on, until the place that its arguments name ends it. */
const [url = '', failpoint = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
createBulkRunner({
  pool: createPool({ url, max: 2, applicationName: 'bulk', role: 'lettergate_batch', onError }),
  failpoint: createFailpoint(failpoint),
  leaseMs: 300,
  onError,
}).start()

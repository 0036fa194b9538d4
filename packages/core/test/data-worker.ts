import { createPool } from '@lettergate/db/pool'
import { createDataJobs } from '../src/data-life/index.ts'
import { createFailpoint } from '../src/lib/index.ts'

/** A worker process that carries exports, erasures and deletions on, until the place that its arguments name ends it. */
const [url = '', failpoint = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
createDataJobs({
  pool: createPool({ url, max: 2, applicationName: 'jobs', role: 'lettergate_batch', onError }),
  failpoint: createFailpoint(failpoint),
  waits: { keysMs: 0, lateMs: 0 },
  onError,
}).start()

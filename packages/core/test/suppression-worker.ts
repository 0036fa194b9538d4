import { createPool } from '@lettergate/db/pool'
import { createFailpoint } from '../src/lib/index.ts'
import { createSuppressionJobs } from '../src/suppressions/index.ts'

/** A worker process that carries jobs on, until the place that its arguments name ends it. */
const [url = '', failpoint = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
createSuppressionJobs({
  pool: createPool({ url, max: 2, applicationName: 'jobs', role: 'lettergate_batch', onError }),
  failpoint: createFailpoint(failpoint),
  onError,
}).start()

import { createPool } from '@lettergate/db/pool'
import { newWorkerId } from '@lettergate/db/worker-sign'
import { loadClaimed } from '../src/deliver/index.ts'

/** A worker process for tests: loads the claim that it is given, reports it, and holds it until it is killed. */
const [url = '', tenantId = '', messageId = '', epoch = ''] = process.argv.slice(2)
const pool = createPool({
  url,
  max: 2,
  applicationName: 'worker',
  role: 'lettergate_batch',
  workerId: newWorkerId(),
  onError: () => {},
})
await loadClaimed(pool, [{ tenantId, messageId, epoch: Number(epoch) }], 'claimed')
process.send?.('loaded')

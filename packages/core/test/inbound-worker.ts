import { createSecretKey } from 'node:crypto'
import { createPool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createProviders } from '@lettergate/providers/registry'
import { createAcceptor, createConnectionsCheck, createSubmit } from '../src/accept/index.ts'
import { createInboundProcessor, createMailReader } from '../src/inbound/index.ts'
import { createFailpoint, noFailpoint } from '../src/lib/index.ts'
import { noCallbacks } from './no-callbacks.ts'

/** A worker process that acts on received mail, until the place that its arguments name ends it. */
const [url = '', failpoint = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
const mta = 'in.gateway.example'
const pool = createPool({ url, max: 3, applicationName: 'inbound', role: 'lettergate_batch', onError })
const tenants = createTenants({ url, max: 1, applicationName: 'inbound-tenants', onError })
const acceptor = createAcceptor({ pool, wakeWorkers: () => {}, failpoint: noFailpoint, onError })
createInboundProcessor({
  pool,
  submit: createSubmit({
    acceptor,
    connectionsCheck: createConnectionsCheck({ tenants, providers: createProviders({}) }),
    callbacks: noCallbacks,
  }),
  mta,
  keys: [createSecretKey(Buffer.alloc(32, 9))],
  reader: createMailReader({ mta, onThreadEnded: () => {} }),
  failpoint: createFailpoint(failpoint),
  onProcessed: () => {},
  onError,
}).start()

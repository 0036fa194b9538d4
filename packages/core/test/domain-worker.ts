import { createPool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createDns } from '@lettergate/egress/dns'
import { createDomainChecks } from '../src/domains/index.ts'
import { createFailpoint } from '../src/lib/index.ts'

/** A worker process that checks domains, until the place that its arguments name ends it. */
const [url = '', failpoint = '', resolver = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
createDomainChecks({
  tenants: createTenants({ url, max: 2, applicationName: 'domains', onError }),
  db: createPool({ url, max: 2, applicationName: 'domains', role: 'lettergate_batch', onError }),
  dns: createDns({ allow: [resolver], resolvers: [resolver], port: Number(resolver.split(':')[1]) }),
  gateway: { spfInclude: null, returnPathDomain: null, mayShare: false },
  now: Date.now,
  failpoint: createFailpoint(failpoint),
  onChecked: () => {},
  onWaited: () => {},
  onError,
}).start()

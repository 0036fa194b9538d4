import type { Pool } from '@lettergate/db/pool'
import type { Tenants } from '@lettergate/db/tenant-scope'
import type { Dns } from '@lettergate/egress/dns'
import type { Provider } from '@lettergate/providers/provider'
import { createWorkerWaker } from '../dispatch/index.ts'
import { createMailDomains } from '../domains/index.ts'
import type { Failpoint } from '../lib/index.ts'
import { createLimitsReader } from '../plans/index.ts'
import { createPoolWays, createRoutingViews } from '../routing/index.ts'
import type { QuotaState } from '../usage/index.ts'
import { type Acceptor, createAcceptor } from './accept.ts'
import { createAddressesCheck } from './check-addresses.ts'
import { createConnectionsCheck } from './check-capabilities.ts'
import type { Submit } from './submission.ts'
import { type Callbacks, createSubmit } from './submit.ts'

/** For a way in that has no URLs of messages. */
const NO_CALLBACKS: Callbacks = { refusal: async () => null, prepare: async () => {} }

/** All rules of accepting, put together once, so that no way in leaves one out. `acceptor.drain` ends it. */
export function openAccept(deps: {
  pool: Pool
  tenants: Tenants
  providers: Readonly<Record<string, Provider>>
  dns: Dns
  callbacks?: Callbacks
  newId?: () => string
  replyAddress?: (messageId: string) => string
  onQuota?: (owner: { tenantId: string; mode: string }, quota: QuotaState) => void
  failpoint: Failpoint
  onError: (error: unknown) => void
}): { acceptor: Acceptor; submit: Submit } {
  const { pool, tenants, providers, dns, callbacks = NO_CALLBACKS, onQuota, ...making } = deps
  const views = createRoutingViews({ tenants })
  const acceptor = createAcceptor({
    ...making,
    pool,
    ways: createPoolWays({ views, providers }),
    wakeWorkers: createWorkerWaker(pool, deps.onError),
  })
  const submit = createSubmit({
    acceptor,
    limits: createLimitsReader({ pool }),
    connectionsCheck: createConnectionsCheck({ tenants, providers, views }),
    addresses: createAddressesCheck({ tenants, mailDomains: createMailDomains(dns) }),
    callbacks,
    ...(onQuota && { onQuota }),
  })
  return { acceptor, submit }
}

import type { KeyObject } from 'node:crypto'
import { createIdSource } from '@lettergate/contracts/lib/ids'
import { type Acceptor, openAccept, type Submit } from '@lettergate/core/accept'
import { createKeyVerifier } from '@lettergate/core/keys'
import { createDatabaseClock, createFailpoint, type DatabaseClock } from '@lettergate/core/lib'
import { createSealer, deriveKey } from '@lettergate/core/secrets'
import {
  createSmtpLogins,
  createUseNotes,
  type SmtpLogins,
  type UseNotes,
} from '@lettergate/core/smtp-credentials'
import { createPool, type Pool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createDns } from '@lettergate/egress/dns'
import { createProviders } from '@lettergate/providers/registry'
import type { SmtpMetrics } from './metrics.ts'

/** Two batches of writes, lookups of logins and repeats. */
const CONNECTIONS_MAX = 6
/** For data keys, and for connections when a mail needs a check. */
const TENANT_CONNECTIONS_MAX = 3
/** As for a request: Postgres gives up first, since its word leaves no doubt. */
const BOUNDS = {
  lockTimeoutMs: 1_000,
  statementTimeoutMs: 1_750,
  deadlineMs: 2_000,
  waitMs: 2_000,
  idleInTransactionMs: 2_000,
}

export type SmtpDeps = {
  pool: Pool
  acceptor: Acceptor
  submit: Submit
  logins: SmtpLogins
  useNotes: UseNotes
  clock: DatabaseClock
  close(): Promise<void>
}

export type SmtpDepsOptions = {
  databaseUrl: string
  secret: KeyObject
  previousSecret?: KeyObject | undefined
  failpoint?: string | undefined
  /** As for every other socket: for questions about domains. */
  egressAllow?: readonly string[]
  onLate: SmtpMetrics['onLateStatement']
  onError: (error: unknown) => void
}

/** Makes what the SMTP server is built from; `close` ends every connection that it opened. */
export function createDeps({
  databaseUrl,
  secret,
  previousSecret,
  failpoint,
  egressAllow = [],
  onLate,
  onError,
}: SmtpDepsOptions): SmtpDeps {
  const pool = createPool({
    url: databaseUrl,
    max: CONNECTIONS_MAX,
    applicationName: 'lettergate-smtp',
    ...BOUNDS,
    onError,
    onLate: (kind) => onLate('shared', kind),
    role: 'lettergate_batch',
  })
  const tenants = createTenants({
    url: databaseUrl,
    max: TENANT_CONNECTIONS_MAX,
    applicationName: 'lettergate-smtp-tenants',
    ...BOUNDS,
    onError,
    onLate: (kind) => onLate('tenants', kind),
  })
  const sealer = createSealer({ tenants, root: secret, previous: previousSecret })
  const keys = createKeyVerifier({
    pool,
    pepper: deriveKey(secret, 'api key pepper'),
    previousPepper: previousSecret && deriveKey(previousSecret, 'api key pepper'),
    onError,
  })
  const providers = createProviders()
  const clock = createDatabaseClock({ pool, onError })
  const { acceptor, submit } = openAccept({
    pool,
    tenants,
    providers,
    dns: createDns({ allow: egressAllow }),
    newId: createIdSource(clock.now),
    failpoint: createFailpoint(failpoint),
    onError,
  })
  const logins = createSmtpLogins({ pool, sealer, keys })
  const useNotes = createUseNotes({ pool, onError })
  return {
    pool,
    acceptor,
    submit,
    logins,
    useNotes,
    clock,
    async close() {
      clock.stop()
      await acceptor.drain()
      await useNotes.stop()
      logins.close()
      keys.close()
      sealer.close()
      await Promise.all(Object.values(providers).map((provider) => provider.close?.()))
      await Promise.all([pool.end(), tenants.close()])
    },
  }
}

import { createSecretKey, randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createDns } from '@lettergate/egress/dns'
import { type DnsServer, startDnsServer } from '@lettergate/egress/test/dns-server'
import { afterAll, beforeAll } from 'vitest'
import { checkDomain, type DomainDeps, type DomainInfo, type GatewayNames } from '../src/domains/index.ts'
import { noFailpoint } from '../src/lib/index.ts'
import { createSealer, type Sealer } from '../src/secrets/index.ts'

export const GATEWAY: GatewayNames = {
  spfInclude: 'spf.gate.example',
  returnPathDomain: 'rp.gate.example',
  mayShare: false,
}

export type DomainBed = {
  db: TestDatabase
  server: DnsServer
  sealer: Sealer
  deps: DomainDeps
  /** Of the checks: moves only when a test says so. */
  clock: { now: number }
  /** Puts the wanted records of a domain into the DNS. */
  publish(info: DomainInfo, kinds?: readonly string[]): void
  /** Takes everything at and below a name out of the DNS, except its name servers. */
  withdraw(name: string): void
  check(tenantId: string, id: string): ReturnType<typeof checkDomain>
  events(tenantId: string): Promise<string[]>
  version(tenantId: string): Promise<number>
}

/** A database and a name server for a test file. */
export function useDomainBed(): { bed(): DomainBed } {
  let made: DomainBed | undefined
  beforeAll(async () => {
    const db = await createTestDatabase()
    const server = await startDnsServer({ 'ns.example': { A: ['127.0.0.1'] } })
    const sealer = createSealer({ tenants: db.tenants, root: createSecretKey(randomBytes(32)) })
    const clock = { now: Date.parse('2026-11-29T12:00:00Z') }
    const dns = createDns({ allow: [server.address], resolvers: [server.address], port: server.port })
    const deps: DomainDeps = {
      tenants: db.tenants,
      prisma: db.prisma,
      sealer,
      db: db.batch,
      dns,
      gateway: GATEWAY,
      now: () => clock.now,
      failpoint: noFailpoint,
    }
    made = {
      db,
      server,
      sealer,
      deps,
      clock,
      publish({ domain, records }, kinds) {
        server.zone[domain.name] = { ...server.zone[domain.name], NS: ['ns.example'] }
        for (const { wanted } of records) {
          if (kinds && !kinds.includes(wanted.kind)) continue
          const { name, type, value } = wanted
          server.zone[name] = { ...server.zone[name], [type]: [value] }
        }
      },
      withdraw(name) {
        for (const one of Object.keys(server.zone)) if (one.endsWith(`.${name}`)) delete server.zone[one]
        server.zone[name] = { NS: ['ns.example'] }
      },
      check: (tenantId, id) => checkDomain(deps, tenantId, id),
      async events(tenantId) {
        const { rows } = await db.pool.query<{ type: string }>({
          text: 'select type from account_event where tenant_id = $1 order by seq',
          values: [tenantId],
        })
        return rows.map(({ type }) => type)
      },
      async version(tenantId) {
        const { rows } = await db.pool.query<{ version: number }>({
          text: 'select connections_version as version from tenant where id = $1',
          values: [tenantId],
        })
        return rows[0]?.version ?? -1
      },
    }
  })
  afterAll(async () => {
    await made?.server.close()
    made?.sealer.close()
    await made?.db.drop()
  })
  return {
    bed() {
      if (!made) throw new Error('the bed is made before the first test')
      return made
    },
  }
}

import { createSecretKey, randomBytes } from 'node:crypto'
import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { createPool, type Pool } from '@lettergate/db/pool'
import type { TestDatabase } from '@lettergate/db/test/database'
import { passwordSecrets, verifyPassword } from '@lettergate/providers/lib/hook-checks'
import { createPostmark } from '@lettergate/providers/postmark/index'
import type { AccountProblem, EventSource, Provider } from '@lettergate/providers/provider'
import { z } from 'zod'
import { createSealer } from '../src/secrets/index.ts'
import { buildConnection, buildTenant } from './rows.ts'

const root = createSecretKey(randomBytes(32))

/** A pool of the role that serves many tenants at once. */
export function batchPool(db: TestDatabase): Pool {
  return createPool({
    url: db.url,
    max: 4,
    applicationName: 'test',
    onError: () => {},
    role: 'lettergate_batch',
  })
}

/** A provider that counts what it was asked to remove, and refuses it when told to. */
export function fakeEventProvider() {
  const state: { removed: unknown[]; problem: AccountProblem | null; onRemove?: () => Promise<void> } = {
    removed: [],
    problem: null,
  }
  const { events: real, ...postmark } = createPostmark()
  const events: EventSource = {
    kinds: ['delivered'],
    proof: 'password',
    bodyBytesMax: 10_000,
    secrets: passwordSecrets,
    registration: z.object({ webhook_id: z.number(), url: z.url().optional() }),
    verify: (hook, secrets) => verifyPassword(hook, z.array(z.custom<{ password: never }>()).parse(secrets)),
    parse: () => [{ events: [], unread: 0 }],
    steps: () => [],
    register: () => Promise.reject(new Error('nobody registers here')),
    async unregister(_connection, registration) {
      if (state.problem) return state.problem
      state.removed.push(registration)
      await state.onRemove?.()
      return null
    },
  }
  const provider: Provider = { ...postmark, credentials: z.object({}), settings: z.object({}), events }
  return { state, provider, kinds: real?.kinds }
}

/** A connection with a hook, and what opens both. */
export async function buildHook(db: TestDatabase, provider: Provider) {
  const tenantId = await buildTenant(db.pool)
  const id = newId()
  const sealer = createSealer({ tenants: db.tenants, root })
  const { sealed, dataKeyVersion } = await sealer.sealJson({ tenantId, table: 'connection', id }, {})
  const row = { tenantId, id, provider: provider.id, name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: sealed, dataKeyVersion })
  const store = { prisma: db.prisma, sealer, now: () => Date.now() }
  const place = { tenantId, connectionId: id, provider: provider.id }
  const token = randomBytes(24).toString('base64url')
  const url = `https://mail.example.com/v1/hooks/${provider.id}/${toPublicId('con', id)}/${token}`
  const current = { url, token, password: randomBytes(24).toString('base64url'), until: null }
  const content = { current, next: null, old: [], secrets: [] }
  const hook = await sealer.sealJson({ tenantId, table: 'hook', id }, content)
  await db.pool.query({
    text: `insert into hook (tenant_id, connection_id, provider, sealed_secrets, data_key_version) values ($1, $2, $3, $4, $5)`,
    values: [tenantId, id, provider.id, hook.sealed, hook.dataKeyVersion],
  })
  return { tenantId, id, sealer, store, place, current }
}

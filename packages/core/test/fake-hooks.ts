import { createSecretKey, randomBytes } from 'node:crypto'
import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import { createPool, type Pool } from '@lettergate/db/pool'
import type { TestDatabase } from '@lettergate/db/test/database'
import { passwordSecrets, verifyPassword } from '@lettergate/providers/lib/hook-checks'
import { createPostmark } from '@lettergate/providers/postmark/index'
import type { AccountFault, EventSource, Provider } from '@lettergate/providers/provider'
import { z } from 'zod'
import { freshUrl } from '../src/provider-events/hook-content.ts'
import { changeHook } from '../src/provider-events/hook-store.ts'
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
  const state = { removed: [] as unknown[], fault: null as AccountFault | null }
  const { events: real, ...postmark } = createPostmark()
  const events: EventSource = {
    kinds: ['delivered'],
    proof: 'password',
    bodyBytesMax: 10_000,
    secrets: passwordSecrets,
    registration: z.object({ webhook_id: z.number() }),
    verify: (hook, secrets) => verifyPassword(hook, z.array(z.custom<{ password: never }>()).parse(secrets)),
    parse: () => ({ events: [], unread: 0 }),
    steps: () => [],
    register: () => Promise.reject(new Error('nobody registers here')),
    async unregister(_connection, registration) {
      if (state.fault) return state.fault
      state.removed.push(registration)
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
  const current = freshUrl(`https://mail.example.com/v1/hooks/${provider.id}/${toPublicId('con', id)}/`)
  await changeHook(store, place, (content) => ({ content: { ...content, current } }))
  return { tenantId, id, sealer, store, place, current }
}

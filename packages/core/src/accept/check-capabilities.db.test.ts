import { newId, toPublicId } from '@lettergate/contracts/lib/ids'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createProviders } from '@lettergate/providers/registry'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildMessage } from '../../test/build-message.ts'
import { buildConnection, buildRoute, buildTenant } from '../../test/rows.ts'
import type { RouteMatchRow } from '../routing/index.ts'
import { insertDataKey } from '../secrets/index.ts'
import { createConnectionsCheck } from './check-capabilities.ts'

let db: TestDatabase
let tenantId: string
let queries: number
const providers = createProviders()
beforeAll(async () => {
  db = await createTestDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  tenantId = await buildTenant(db.pool)
  await insertDataKey(db.pool, tenantId, { version: 1, rootVersion: 1, wrapped: Buffer.from('x') })
  queries = 0
})

const counted: Tenants = {
  forTenant(id) {
    queries++
    return db.tenants.forTenant(id)
  },
  close: async () => {},
}

async function connect(provider: string, enabled = true): Promise<string> {
  const row = { tenantId, id: newId(), provider, name: 'x', priority: 1, settings: {} }
  await buildConnection(db.pool, { ...row, sealedCredentials: Buffer.from('x'), dataKeyVersion: 1 })
  if (!enabled)
    await db.pool.query({ text: 'update connection set enabled = false where id = $1', values: [row.id] })
  return row.id
}

async function route(match: RouteMatchRow, targets: string[], position = 1, enabled = true): Promise<string> {
  const row = { tenantId, id: newId(), name: 'x', position, match, strategy: 'ordered' as const, enabled }
  const rows = targets.map((connection_id) => ({ connection_id, weight: 1 }))
  await buildRoute(db.pool, { ...row, targets: rows })
  return row.id
}

/** A new check each time: what was cached is not what these are about. */
const judge = (change: Partial<NewMessage>, pointer?: string) =>
  createConnectionsCheck({ tenants: counted, providers }).findFault(tenantId, buildMessage(change), pointer)

const file = {
  filename: 'a.png',
  contentType: 'image/png',
  disposition: 'attachment' as const,
  content: Buffer.from('x'),
}
const twoReplies = { replyTo: [{ address: 'a@example.net' }, { address: 'b@example.net' }] }
const brevoCannot: [string, Partial<NewMessage>, string, string][] = [
  ['two addresses in Reply-To', twoReplies, '#/reply_to', 'field-not-supported'],
  [
    'an inline image',
    { attachments: [{ ...file, disposition: 'inline', contentId: 'logo' }] },
    '#/attachments/0/disposition',
    'field-not-supported',
  ],
  [
    'a file name',
    { attachments: [{ ...file, filename: 'a.svg' }] },
    '#/attachments/0/filename',
    'field-not-supported',
  ],
  ['a header', { headers: { 'Idempotency-Key': 'x' } }, '#/headers/Idempotency-Key', 'header-not-allowed'],
  ['its size', { attachments: [{ ...file, content: Buffer.alloc(16_000_000) }] }, '#', 'payload-too-large'],
]

describe('a message that the provider cannot carry', () => {
  it.each(brevoCannot)(
    'is refused for %s, with its pointer, if it has only that',
    async (_, change, pointer, code) => {
      await connect('brevo')
      expect(await judge(change)).toMatchObject({
        code,
        errors: [{ pointer, detail: expect.stringContaining('brevo') }],
      })
    },
  )

  it.each(brevoCannot)('is accepted with %s, if another connection can carry it', async (_, change) => {
    await connect('brevo')
    await connect('smtp')
    expect(await judge(change)).toBeNull()
  })

  it.each(brevoCannot)('is refused for %s, if it names that connection', async (_, change, pointer) => {
    const connectionId = await connect('brevo')
    await connect('smtp')
    expect(await judge({ ...change, connectionId })).toMatchObject({ errors: [{ pointer }] })
  })

  it('is refused with its pointer in a batch', async () => {
    await connect('brevo')
    expect(await judge(twoReplies, '#/messages/3')).toMatchObject({
      errors: [{ pointer: '#/messages/3/reply_to' }],
    })
  })

  it('is refused although a disabled connection could carry it, and accepted without any connection', async () => {
    await connect('smtp', false)
    expect(await judge(twoReplies)).toBeNull()
    await connect('brevo')
    expect(await judge(twoReplies)).not.toBeNull()
  })

  it('is refused with the largest possible size', async () => {
    await connect('postmark')
    await connect('sparkpost')
    const attachments = [{ ...file, content: Buffer.alloc(20_000_000) }]
    expect(await judge({ attachments })).toMatchObject({ detail: expect.stringContaining('sparkpost') })
    expect(await judge({ attachments: [{ ...file, content: Buffer.alloc(10_000_000) }] })).toBeNull()
  })

  it('is refused for texts that are too long, although files of that size are accepted', async () => {
    const connectionId = await connect('microsoft365')
    const html = 'x'.repeat(3_000_001)
    expect(await judge({ html })).toMatchObject({
      code: 'payload-too-large',
      detail: expect.stringMatching(/text and html .*microsoft365/),
    })
    const attachments = [{ ...file, content: Buffer.alloc(20_000_000) }]
    expect(await judge({ connectionId, attachments })).toBeNull()
  })
})

describe('a message with a route', () => {
  const inline = { attachments: [{ ...file, disposition: 'inline' as const, contentId: 'logo' }] }
  const pointer = '#/attachments/0/disposition'

  it('is refused if its route cannot carry it, although a connection outside the route could', async () => {
    const brevo = await connect('brevo')
    await connect('smtp')
    const id = await route({ stream: 'transactional' }, [brevo])
    const detail = `inline cannot be shown by the provider (brevo, by the route ${toPublicId('rte', id)})`
    expect(await judge(inline)).toMatchObject({ code: 'field-not-supported', errors: [{ pointer, detail }] })
  })

  it('is accepted if one target of the route can carry it, although another connection cannot', async () => {
    const brevo = await connect('brevo')
    const smtp = await connect('smtp')
    await route({ tag: 'relay' }, [smtp])
    await route({}, [brevo, smtp], 2)
    expect(await judge({ ...inline, tags: ['relay'] })).toBeNull()
    expect(await judge(inline)).toBeNull()
  })

  it('uses the first enabled route that fits all its recipients, and priority without such a route', async () => {
    const brevo = await connect('brevo')
    const smtp = await connect('smtp')
    await route({}, [brevo], 1, false)
    await route({ recipient_domain: 'example.net' }, [brevo], 3)
    expect(await judge(inline)).toMatchObject({ errors: [{ pointer }] })
    expect(await judge({ ...inline, bcc: [{ address: 'a@other.example' }] })).toBeNull()
    await route({ from_domain: 'acme.example' }, [smtp], 2)
    expect(await judge(inline)).toBeNull()
  })

  it('uses the connection that it names in spite of the route', async () => {
    const brevo = await connect('brevo')
    const connectionId = await connect('smtp')
    await route({}, [brevo])
    expect(await judge({ ...inline, connectionId })).toBeNull()
  })

  it('waits for its route if all connections of the route are disabled', async () => {
    await connect('brevo')
    await route({}, [await connect('brevo', false)])
    expect(await judge(inline)).toBeNull()
  })
})

describe('the number of queries', () => {
  it('a message that every provider can carry needs no query', async () => {
    await connect('brevo')
    expect(await judge({})).toBeNull()
    expect(
      await judge({
        headers: { 'X-Campaign': '1' },
        attachments: [file],
        replyTo: [{ address: 'a@example.net' }],
      }),
    ).toBeNull()
    expect(queries).toBe(0)
  })

  it('many other messages of one tenant need one query, including routes', async () => {
    await route({}, [await connect('brevo')])
    const check = createConnectionsCheck({ tenants: counted, providers })
    await Promise.all(Array.from({ length: 20 }, () => check.findFault(tenantId, buildMessage(twoReplies))))
    expect(queries).toBe(1)
  })
})

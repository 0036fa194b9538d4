import { createSecretKey, type KeyObject } from 'node:crypto'
import { loadConfig, type SmtpConfig } from '@lettergate/config/config'
import { smtpUserName } from '@lettergate/contracts/smtp-credentials/smtp-credentials'
import { issueKey, type Scope } from '@lettergate/core/keys'
import { createSealer, deriveKey, type Sealer } from '@lettergate/core/secrets'
import { createSmtpCredential } from '@lettergate/core/smtp-credentials'
import { createTenant } from '@lettergate/core/tenants'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { type SmtpOptions, type SmtpServer, startSmtp } from '../src/smtp.ts'
import { certificate } from './listener.ts'

export type Login = { id: string; username: string; secret: string }

export type TestSmtp = AsyncDisposable & {
  db: TestDatabase
  server: SmtpServer
  errors: unknown[]
  tenantId: string
  liveKey: string
  secret: KeyObject
  addKey(scopes: readonly Scope[]): Promise<string>
  addLogin(change?: { mode?: 'live' | 'test'; networks?: string[]; from_domains?: string[] }): Promise<Login>
  /** Another server over the same database. */
  start(change?: Partial<Omit<SmtpOptions, 'config'>> & { config?: Partial<SmtpConfig> }): Promise<SmtpServer>
  close(): Promise<void>
}

export const TEST_SECRET = 'a secret that only tests may have'

/** An SMTP server on free ports, over a database of its own with one tenant. */
export async function startTestSmtp(
  change: Partial<Omit<SmtpOptions, 'config'>> & {
    config?: Partial<SmtpConfig>
    dailyLimit?: number
  } = {},
): Promise<TestSmtp> {
  const { dailyLimit, ...own } = change
  const db = await createTestDatabase()
  const secret = createSecretKey(Buffer.from(TEST_SECRET))
  const pepper = deriveKey(secret, 'api key pepper')
  const made = await createTenant({ operator: db.operator, pepper }, { name: 'Test', plan: 'scale' })
  const { tenantId, liveKey } = made
  if (dailyLimit !== undefined)
    await db.pool.query({
      text: 'update tenant set daily_limit = $2 where id = $1',
      values: [tenantId, dailyLimit],
    })
  const sealer: Sealer = createSealer({ tenants: db.tenants, root: secret })
  const errors: unknown[] = []
  const servers: SmtpServer[] = []

  async function start(options: Parameters<TestSmtp['start']>[0] = {}): Promise<SmtpServer> {
    const { config, ...rest } = options
    const server = await startSmtp({
      config: { ...loadConfig({}).smtp, port: 0, submissionPort: undefined, tlsPort: 0, ...config },
      databaseUrl: db.url,
      secret,
      certificate,
      baseUrl: 'https://gateway.test',
      onError: (error) => errors.push(error),
      ...rest,
    })
    servers.push(server)
    return server
  }
  async function close(): Promise<void> {
    await Promise.all(servers.map((server) => server.stop(0)))
    sealer.close()
    await db.drop()
  }
  return {
    db,
    server: await start(own),
    errors,
    tenantId,
    liveKey,
    secret,
    start,
    addKey: async (scopes) =>
      (
        await db.operator.forOperator((tables) =>
          issueKey({ db: tables, pepper }, { mode: 'live', tenantId }, { scopes }),
        )
      ).key,
    async addLogin({ mode = 'live', networks = [], from_domains = [] } = {}) {
      const request = { name: '', scopes: ['messages:send' as const], networks, from_domains }
      const { credential, secret: password } = await createSmtpCredential(
        { prisma: db.prisma, sealer },
        { tenantId, mode },
        request,
      )
      return { id: credential.id, username: smtpUserName(credential.id), secret: password }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

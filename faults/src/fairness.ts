import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient, inParallel } from './client.ts'
import { type ClientRequest, promisedIds } from './client-ledger.ts'
import { type ConnectionBody, createConnection, createTenant, type Tenant } from './gateway.ts'
import type { ProviderEntry } from './provider-ledger.ts'
import type { Random } from './seed.ts'
import type { Stack } from './stack.ts'

export type Sender = { tenant: Tenant; client: Client }

/** More tenants of the same gateway, each with such a connection; their promises go into the stack's ledger. */
export async function addSenders(stack: Stack, count: number, connection: ConnectionBody): Promise<Sender[]> {
  const senders: Sender[] = []
  await inParallel(count, 3, async () => {
    const tenant = await createTenant(stack.env, 100_000)
    await createConnection(stack.apiUrl, tenant.apiKey, connection)
    const client = createClient({
      url: stack.apiUrl,
      apiKey: tenant.apiKey,
      ledger: stack.ledger,
      connections: 8,
    })
    senders.push({ tenant, client })
  })
  return senders
}

export type Trickle = {
  /** Mails of each. */
  each: number
  /** They are sent at random moments of this time. */
  withinMs: number
  prefix: string
  random: Random
}

/** Sends a few mails for each of many; returns the answers to the clients, when all of them have one. */
export async function trickle(clients: readonly Client[], options: Trickle): Promise<ClientRequest[]> {
  const moments = clients.flatMap((client, sender) =>
    Array.from({ length: options.each }, (_, mail) => ({
      client,
      key: `${options.prefix}-${sender}-${mail}`,
      atMs: options.random.below(options.withinMs),
    })),
  )
  return await Promise.all(
    moments.map(async ({ client, key, atMs }) => {
      await sleep(atMs)
      return await client.sendUntilSettled({ idempotencyKey: key, to: ['user@example.net'] })
    }),
  )
}

/** Milliseconds from a client's 202 to the provider's ledger; infinite for what the provider has not got. */
export async function waitsOf(
  requests: readonly ClientRequest[],
  provider: { ledger(): Promise<ProviderEntry[]> },
): Promise<number[]> {
  const takenAt = new Map((await provider.ledger()).map(({ messageId, at }) => [messageId, at]))
  return requests.flatMap((request) =>
    [...promisedIds(request)].map((id) => {
      const told = request.answers.find(({ messageId }) => messageId === id)?.at ?? 0
      // Both are milliseconds of the same clock; a mail may well be out before its sender knows.
      return Math.max(0, (takenAt.get(id) ?? Number.POSITIVE_INFINITY) - told)
    }),
  )
}

/** Clients of the ledger's that are no longer needed. */
export function closeSenders(senders: readonly Sender[]): void {
  for (const { client } of senders) client.close()
}

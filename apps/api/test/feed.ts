import { setTimeout as sleep } from 'node:timers/promises'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { appendEvents } from '@lettergate/core/lib'
import { inTransaction, type Pool, type Queryable } from '@lettergate/db/pool'
import { z } from 'zod'
import type { CallOptions, TestApi } from './api.ts'

const Page = z.object({
  data: z.array(z.looseObject({ seq: z.number(), type: z.string(), message_id: z.string().nullable() })),
  next_cursor: z.string(),
  has_more: z.boolean(),
})
export type Page = z.output<typeof Page>

const message = { from: 'app@acme.example', to: ['user@example.net'], subject: 'Hello', text: 'Hi' }

/** Stores a message, which is an event; answers its id. */
export async function send(api: TestApi, options: CallOptions & { change?: object } = {}): Promise<string> {
  const answer = await api.call('POST', '/v1/send', { ...options, body: { ...message, ...options.change } })
  return String(answer.json.id)
}

/** A page of the feed; fails for any other answer. */
export async function readEvents(
  api: TestApi,
  query: Record<string, string | number | undefined>,
  options: CallOptions = {},
): Promise<Page> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  const answer = await api.call('GET', `/v1/events?${new URLSearchParams(given)}`, options)
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
  return Page.parse(answer.json)
}

/** Writes events of a stored message as a worker does, without the notification. */
export async function appendTo(
  db: Queryable,
  event: { tenantId: string; messageId: string; type?: string; count?: number },
): Promise<number[]> {
  const { rows } = await db.query<{ seq: number }>({
    text: `
      with ${appendEvents(`
        select $1::uuid as tenant_id, $2::uuid as message_id, 0 as position, $3::text as type, null::json as data,
               'live' as mode, false as is_bulk, null::uuid as connection_id
        from generate_series(1, $4)`)}
      select seq from new_event`,
    values: [
      event.tenantId,
      fromPublicId('msg', event.messageId),
      event.type ?? 'recipient.deferred',
      event.count ?? 1,
    ],
  })
  return rows.map(({ seq }) => seq)
}

export async function notifyFeed(db: Queryable, tenantId: string): Promise<void> {
  await db.query({ text: `select pg_notify('lg_feed', $1)`, values: [tenantId] })
}

/** Writers that commit late and in any order, one of twenty not at all; every second one notifies. Answers what was committed. */
export async function writeAtOnce(
  pool: Pool,
  target: { tenantId: string; messageId: string },
  { writers, rounds, delayMs }: { writers: number; rounds: number; delayMs: number },
): Promise<number[]> {
  const committed: number[] = []
  async function writeOne(number: number): Promise<void> {
    try {
      committed.push(
        ...(await inTransaction(pool, async (client) => {
          const seqs = await appendTo(client, { ...target, count: 2 })
          await sleep(Math.random() * delayMs)
          if (number % 20 === 0) throw new RangeError('given up')
          return seqs
        })),
      )
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    if (number % 2 === 0) await notifyFeed(pool, target.tenantId)
  }
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let round = 0; round < rounds; round++) await writeOne(writer + round * writers)
    }),
  )
  return committed
}

/** The requests that wait by now, as the metrics of the api say. */
export async function countWaiting(api: TestApi, kind: 'poll' | 'stream' = 'poll'): Promise<number> {
  const text = await fetch(`${api.server.metricsUrl}/metrics`).then((answer) => answer.text())
  return Number(new RegExp(`^lettergate_waiting_requests\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(text)?.[1])
}

export async function untilWaiting(
  api: TestApi,
  count: number,
  kind: 'poll' | 'stream' = 'poll',
): Promise<void> {
  while ((await countWaiting(api, kind)) !== count) await sleep(10)
}

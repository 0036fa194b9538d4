import { type Client, inParallel } from './client.ts'
import { promisedIds } from './client-ledger.ts'

/** Sends this number of mails to `<name>@example.net`; returns their ids. */
export async function sendMany(client: Client, name: string, count: number): Promise<Set<string>> {
  const ids = new Set<string>()
  await inParallel(count, 16, async (index) => {
    const to = [`${name}@example.net`]
    const request = await client.sendUntilSettled({ idempotencyKey: `${name}-${index}`, to })
    for (const id of promisedIds(request)) ids.add(id)
  })
  return ids
}

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createEndpoint, startReceiver } from './src/callback-receiver.ts'
import { inParallel } from './src/client.ts'
import { percentile } from './src/percentile.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { startStack } from './src/stack.ts'

const EACH = faultsCount(200)
const ENDPOINT_CALLS_MAX = 8
const WAIT_MS_MAX = 2_000
const TYPES = ['message.accepted']

test('T31 callbacks: an endpoint that hangs takes nothing from the others', async () => {
  announceSeed('T31 callbacks')
  const hanging = await startReceiver((response) => {
    setTimeout(() => response.writeHead(200).end(), 30_000).unref()
  })
  const well = await startReceiver()
  await using stack = await startStack({ dailyLimit: 1_000_000, tenants: 2 })
  const [ill, other] = stack.tenants
  const [illClient, otherClient] = stack.clients
  if (!ill || !other || !illClient || !otherClient) throw new Error('no tenants were made')
  await createEndpoint(stack, other.apiKey, { url: well.url, types: TYPES })
  const waitsOf = async (prefix: string) => {
    const from = well.calls.length
    for (let index = 0; index < EACH; index++) {
      void otherClient.sendUntilSettled({ idempotencyKey: `${prefix}-${index}`, to: ['user@example.net'] })
      await sleep(10)
    }
    await waitUntil('the callbacks', 60_000, () => Promise.resolve(well.calls.length >= from + EACH))
    return well.calls
      .slice(from)
      .map(({ at, text }) => at - Date.parse((JSON.parse(text) as { timestamp: string }).timestamp))
  }
  await waitsOf('warm-up')
  const idle = percentile(await waitsOf('idle'), 99)
  await createEndpoint(stack, ill.apiKey, { url: hanging.url, types: TYPES })
  await inParallel(EACH, 16, (index) =>
    illClient.sendUntilSettled({ idempotencyKey: `ill-${index}`, to: ['user@example.net'] }),
  )
  await waitUntil('a call that hangs', 20_000, () => Promise.resolve(hanging.open().now >= 1))
  const busy = percentile(await waitsOf('busy'), 99)
  expect(hanging.open().most).toBeLessThanOrEqual(ENDPOINT_CALLS_MAX)
  expect(busy).toBeLessThanOrEqual(WAIT_MS_MAX)
  await Promise.all([hanging.down(), well.down()])
  reportResult({
    test: 'T31 callbacks',
    fault: `an endpoint with ${EACH} events hangs 30 s on every call, another tenant's goes on`,
    n: EACH,
    result: `it held ${hanging.open().most} calls at most; p99 wait of the other ${busy} ms, ${idle} ms before`,
    bound: `≤ ${ENDPOINT_CALLS_MAX} calls, p99 ≤ ${WAIT_MS_MAX} ms`,
  })
}, 300_000)

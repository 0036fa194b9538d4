import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel, writeDuring } from './src/client.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const N = faultsCount(300)
const WIDTH = 16
const RANDOM_KILLS = 2

test('T1: a request repeated under its key while the api is killed is stored, counted and sent once', async () => {
  const random = announceSeed('T1')
  const at = (part: string) => [`before_commit:kill9:${part}`, `after_commit_before_reply:kill9:${part}`]
  await using stack = await startStack({
    dailyLimit: 1_000_000,
    seed: random.seed,
    apiFailpoints: [...at('1/1'), ...at('1/4')],
  })
  await inParallel(N, WIDTH, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t1-${index}`, to: [`user${index}@example.net`] }),
  )
  const deathsAtFailpoints = stack.api.deaths()
  await writeDuring(stack.client, { width: WIDTH, prefix: 't1-random' }, async () => {
    for (let kill = 0; kill < RANDOM_KILLS; kill++) {
      await sleep(20 + random.below(400))
      await stack.api.current().kill('SIGKILL')
      await waitUntil('the api to be back', 60_000, () => stack.api.current().running())
    }
  })

  const { verdict } = await settle(stack, 60_000)
  expect(deathsAtFailpoints).toBeGreaterThanOrEqual(2)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  const keys = stack.ledger.requests().length
  expect(await stack.provider.count()).toBe(keys)
  expect(stack.api.deaths()).toBeGreaterThanOrEqual(deathsAtFailpoints + RANDOM_KILLS)
  reportResult({
    test: 'T1',
    fault: 'api killed before the commit, after it, and at random; the client repeats under its key',
    n: keys,
    result: `0 lost, 0 repeats, stored = counted = sent = ${keys} in ${stack.api.deaths()} kills`,
    bound: '0 lost, 0 repeats, 0 unknown',
  })
}, 180_000)

test('T1 control: a gateway that forgets keys stores the repeats', async () => {
  announceSeed('T1 control')
  await using stack = await startNaiveStack({ dieAt: 'after-commit', dieOneIn: 10, deathsMax: 3 })
  await inParallel(100, WIDTH, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t1-${index}`, to: ['user@example.net'] }),
  )
  expect(stack.gateway.deaths()).toBeGreaterThan(0)
  const { repeated } = summarize(await stack.judge())
  expect(repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T1 control',
    fault: 'a gateway without idempotency keys killed after its commit',
    n: 100,
    result: `${repeated} repeats in ${stack.gateway.deaths()} kills`,
    bound: 'repeats',
  })
}, 60_000)

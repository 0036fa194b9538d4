import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '@lettergate/faults/client'
import { startNaiveStack } from '@lettergate/faults/naive-stack'
import { summarize } from '@lettergate/faults/oracle'
import { announceSeed, faultsCount } from '@lettergate/faults/seed'
import { settle } from '@lettergate/faults/settle'
import { startStack } from '@lettergate/faults/stack'
import { expect, test } from 'vitest'

const N = faultsCount(300)
const WIDTH = 16
const RANDOM_KILLS = 2

test('T1: a request repeated under its key while the api is killed is stored, counted and sent once', async () => {
  const random = announceSeed('T1')
  const at = (part: string) => [`before_commit:kill9:${part}`, `after_commit_before_reply:kill9:${part}`]
  await using stack = await startStack({ dailyLimit: 10 * N, apiFailpoints: [...at('1/1'), ...at('1/4')] })
  const send = (index: number) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t1-${index}`, to: [`user${index}@example.net`] })

  await inParallel(N, WIDTH, send)
  const deathsAtFailpoints = stack.api.deaths()
  const rest = inParallel(N, WIDTH, (index) => send(N + index))
  for (let kill = 0; kill < RANDOM_KILLS; kill++) {
    await sleep(20 + random.below(400))
    await stack.api.current().kill('SIGKILL')
  }
  await rest

  const { verdict } = await settle(stack, 60_000)
  expect(deathsAtFailpoints).toBeGreaterThanOrEqual(2)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(await stack.provider.count()).toBe(2 * N)
  process.stdout.write(`T1: N=${2 * N} kills=${stack.api.deaths()} lost=0 repeats=0\n`)
}, 180_000)

test('T1 control: a gateway that forgets keys stores the repeats', async () => {
  announceSeed('T1 control')
  await using stack = await startNaiveStack({ dieAt: 'after-commit', dieOneIn: 20, deathsMax: 3 })
  await inParallel(100, WIDTH, (index) =>
    stack.client.sendUntilSettled({ idempotencyKey: `t1-${index}`, to: ['user@example.net'] }),
  )
  expect(stack.gateway.deaths()).toBeGreaterThan(0)
  expect(summarize(await stack.judge()).repeated).toBeGreaterThan(0)
}, 60_000)

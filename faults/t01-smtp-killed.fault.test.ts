import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inParallel, writeDuring } from './src/client.ts'
import { waitUntil } from './src/ports.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { createSmtpClient } from './src/smtp-client.ts'
import { superviseSmtp } from './src/smtp-part.ts'
import { startStack } from './src/stack.ts'

const N = faultsCount(300)
const WIDTH = 16
const RANDOM_KILLS = 2

test('T1 SMTP: a mail repeated by its client while the SMTP server is killed is stored, counted and sent once', async () => {
  const random = announceSeed('T1 SMTP')
  const at = (part: string) => [`before_commit:kill9:${part}`, `after_commit_before_reply:kill9:${part}`]
  await using stack = await startStack({ dailyLimit: 1_000_000, seed: random.seed })
  const failpoints = [...at('1/1'), ...at('1/4')].map((one, life) => `${one};seed=${random.seed + life}`)
  const { port, smtp } = await superviseSmtp(stack, failpoints)
  await using _ = { [Symbol.asyncDispose]: () => smtp.stop() }
  const client = createSmtpClient({ port: () => port, ledger: stack.ledger })
  await inParallel(N, WIDTH, (index) =>
    client.sendUntilSettled({ idempotencyKey: `t1-${index}`, to: [`user${index}@example.net`] }),
  )
  const deathsAtFailpoints = smtp.deaths()
  await writeDuring(client, { width: WIDTH, prefix: 't1-random' }, async () => {
    for (let kill = 0; kill < RANDOM_KILLS; kill++) {
      await sleep(20 + random.below(400))
      await smtp.current().kill('SIGKILL')
      await waitUntil('the SMTP server to be back', 60_000, () => smtp.current().running())
    }
  })
  client.close()

  const { verdict } = await settle(stack, 60_000)
  expect(deathsAtFailpoints).toBeGreaterThanOrEqual(2)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  const mails = stack.ledger.requests().length
  expect(await stack.provider.count()).toBe(mails)
  reportResult({
    test: 'T1 SMTP',
    fault: 'SMTP server killed before the commit, after it, and at random; the client repeats the mail',
    n: mails,
    result: `0 lost, 0 repeats, stored = counted = sent = ${mails} in ${smtp.deaths()} kills`,
    bound: '0 lost, 0 repeats, 0 unknown',
  })
}, 180_000)

import { expect, test } from 'vitest'
import { inParallel } from './src/client.ts'
import { type ClientRequest, countStatuses } from './src/client-ledger.ts'
import { createConnection, createTenant, sesConnection } from './src/gateway.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { createSmtpClient } from './src/smtp-client.ts'
import { startSmtpPart } from './src/smtp-part.ts'
import { startStack } from './src/stack.ts'

const LIMIT = 500
const SESSIONS = 40
const MAILS = 1_200
const LARGER = 200
const TO_MAX = 50

const addresses = (count: number) => Array.from({ length: count }, (_, index) => `user${index}@example.net`)
const statusOf = ({ answers }: ClientRequest) => answers.at(-1)?.status

test('T27 SMTP: a race for a daily limit gives 250 to exactly the limit, and 452 to the rest', async () => {
  const random = announceSeed('T27 SMTP')
  await using stack = await startStack({ dailyLimit: LIMIT })
  const smtp = await startSmtpPart(stack)
  await using _ = { [Symbol.asyncDispose]: async () => void (await smtp.process.stop()) }
  const client = createSmtpClient({ port: () => smtp.port, ledger: stack.ledger })
  await inParallel(MAILS, SESSIONS, (index) =>
    client.send({ idempotencyKey: `one-${index}`, to: addresses(1) }),
  )
  client.close()
  expect(countStatuses(stack.ledger.requests())).toEqual({ 202: LIMIT, 429: MAILS - LIMIT })

  const other = await createTenant(stack.env, LIMIT)
  await createConnection(stack.apiUrl, other.apiKey, sesConnection(stack.provider.url))
  const before = stack.ledger.requests().length
  const byKey = createSmtpClient({ port: () => smtp.loginPort, apiKey: other.apiKey, ledger: stack.ledger })
  await inParallel(LARGER, SESSIONS, (index) =>
    byKey.send({ idempotencyKey: `many-${index}`, to: addresses(1 + random.below(TO_MAX)) }),
  )
  byKey.close()
  const larger = stack.ledger.requests().slice(before)
  const recipientsWith = (status: number) =>
    larger.filter((request) => statusOf(request) === status).map(({ recipients }) => recipients)
  const accepted = recipientsWith(202).reduce((sum, count) => sum + count, 0)
  const smallestRefused = Math.min(...recipientsWith(429))
  expect(accepted).toBeLessThanOrEqual(LIMIT)
  expect(LIMIT - accepted).toBeLessThan(smallestRefused)

  const { verdict } = await settle(stack, 60_000)
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  reportResult({
    test: 'T27 SMTP',
    fault: `${SESSIONS} sessions race for a daily limit of ${LIMIT}, with one recipient and with 1–${TO_MAX}`,
    n: MAILS + LARGER,
    result: `${LIMIT} and ${accepted} accepted, smallest refused ${smallestRefused}`,
    bound: `exactly ${LIMIT}; never over, room left < smallest refused`,
  })
}, 120_000)

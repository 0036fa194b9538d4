import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type ClientRequest, createClientLedger } from './src/client-ledger.ts'
import { createConnection, createTenant, sesConnection } from './src/gateway.ts'
import { smtpCases } from './src/odd-cases/smtp-cases.ts'
import { peakMb } from './src/overload.ts'
import { percentile } from './src/percentile.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { createSmtpClient } from './src/smtp-client.ts'
import { startSmtpPart } from './src/smtp-part.ts'
import { type Stack, startStack } from './src/stack.ts'

const P99_MS_MAX = 2_000
const MAILS = 60
const EVERY_MS = 40
/** 192 MB of mails that are being received, one that is read in another thread, and the process itself. */
const PEAK_MB_MAX = 800

type Measured = { p99: number; refused: ClientRequest[] }

/** How long another tenant waits for its 250s. */
async function measure(port: number, deed?: () => Promise<unknown>): Promise<Measured> {
  const ledger = createClientLedger()
  const client = createSmtpClient({ port: () => port, ledger })
  let isOver = false
  const repeating = (async () => {
    while (deed && !isOver) {
      await deed().catch(() => undefined)
      await sleep(20)
    }
  })()
  const sending: Promise<unknown>[] = []
  for (let mail = 0; mail < MAILS; mail++) {
    sending.push(client.send({ idempotencyKey: `t40-${crypto.randomUUID()}`, to: ['user@example.net'] }))
    await sleep(EVERY_MS)
  }
  await Promise.all(sending)
  isOver = true
  await repeating
  client.close()
  const answers = ledger.requests().map(({ answers: [answer] }) => answer?.tookMs ?? Number.POSITIVE_INFINITY)
  return {
    p99: Math.round(percentile(answers, 99)),
    refused: ledger.requests().filter(({ answers: [answer] }) => answer?.status !== 202),
  }
}

async function oddTenant(stack: Stack): Promise<string> {
  const { apiKey } = await createTenant(stack.env, 1_000_000)
  await createConnection(stack.apiUrl, apiKey, sesConnection(stack.provider.url))
  return apiKey
}

test('T40 SMTP: no mail and no session of one tenant delays the mails of another', async () => {
  announceSeed('T40 SMTP')
  await using stack = await startStack({ dailyLimit: 1_000_000 })
  const smtp = await startSmtpPart(stack)
  await using _ = { [Symbol.asyncDispose]: async () => void (await smtp.process.stop()) }
  await measure(smtp.port)
  const alone = await measure(smtp.port)
  const apiKey = await oddTenant(stack)
  const beside: (Measured & { shape: string })[] = []
  for (const { shape, deed } of smtpCases) {
    const measured = await measure(smtp.port, () => deed({ port: smtp.loginPort, apiKey }))
    const peak = peakMb(smtp.process.pid)
    process.stdout.write(
      `T40 SMTP ${shape}: p99 ${measured.p99} ms, ${measured.refused.length} refused, peak ${peak} MB\n`,
    )
    beside.push({ ...measured, shape })
  }
  const peak = peakMb(smtp.process.pid)
  expect(smtp.process.running()).toBe(true)
  expect(
    beside.flatMap(({ shape, refused }) =>
      refused.length > 0 ? [{ shape, refused: refused[0]?.answers }] : [],
    ),
  ).toEqual([])
  expect(beside.filter(({ p99 }) => p99 > P99_MS_MAX)).toEqual([])
  expect(peak).toBeLessThanOrEqual(PEAK_MB_MAX)
  const worst = Math.max(...beside.map(({ p99 }) => p99))
  reportResult({
    test: 'T40 SMTP',
    fault: `one tenant submits in ${smtpCases.length} odd ways by SMTP`,
    n: beside.length * MAILS,
    result: `p99 of another tenant at worst ${worst} ms, ${alone.p99} ms alone; memory ${peak} MB at most`,
    bound: `nobody else refused, p99 ≤ ${P99_MS_MAX} ms, memory ≤ ${PEAK_MB_MAX} MB`,
  })
}, 300_000)

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { writeDuring } from './src/client.ts'
import { reportResult } from './src/report.ts'
import { announceSeed } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { BROKEN_OFF, createSmtpClient } from './src/smtp-client.ts'
import { startSmtpPart } from './src/smtp-part.ts'
import { startStack } from './src/stack.ts'

const ROUNDS = process.env.FAULTS_N === undefined ? 3 : 20
const LANES = 8
const EXIT_MS_MAX = 10_000

test(
  'T33 SMTP: a rolling restart of SMTP servers under load breaks off no mail that was begun, loses none and sends none twice',
  async () => {
    const random = announceSeed('T33 SMTP')
    await using stack = await startStack({ dailyLimit: 10_000_000 })
    let current = await startSmtpPart(stack)
    await using _ = { [Symbol.asyncDispose]: async () => void (await current.process.stop()) }
    const client = createSmtpClient({ port: () => current.port, ledger: stack.ledger })
    const stops: { code: number | null; tookMs: number }[] = []
    await writeDuring(client, { width: LANES, prefix: 't33' }, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const old = current
        current = await startSmtpPart(stack)
        await sleep(random.below(300))
        const start = performance.now()
        const { code } = await old.process.kill('SIGTERM')
        stops.push({ code, tookMs: Math.round(performance.now() - start) })
      }
    })
    client.close()

    const { verdict } = await settle(stack, 60_000)
    expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
    const requests = stack.ledger.requests()
    const refusals = requests.flatMap(({ answers }) => answers.filter(({ status }) => status !== 202))
    // A session between two mails is closed, with 421; one within a mail may end it.
    expect(refusals.filter(({ status }) => status !== 503 && status !== 0)).toEqual([])
    expect(refusals.filter(({ failure }) => failure === BROKEN_OFF)).toEqual([])
    expect(stops.filter(({ code }) => code !== 0)).toEqual([])
    const slowestMs = Math.max(...stops.map(({ tookMs }) => tookMs))
    expect(slowestMs).toBeLessThanOrEqual(EXIT_MS_MAX)
    reportResult({
      test: 'T33 SMTP',
      fault: `SIGTERM to ${ROUNDS} SMTP servers, each after its successor is ready`,
      n: requests.length,
      result: `0 lost, 0 repeats; ${refusals.length} mails repeated in another session; gone after ${slowestMs} ms at most`,
      bound: `0 lost, 0 repeats, gone ≤ ${EXIT_MS_MAX} ms`,
    })
  },
  120_000 + ROUNDS * 20_000,
)

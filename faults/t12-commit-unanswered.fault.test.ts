import { expect, test } from 'vitest'
import { inParallel, writeDuring } from './src/client.ts'
import { countStatuses, promisedIds } from './src/client-ledger.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { summarize } from './src/oracle.ts'
import { waitUntil } from './src/ports.ts'
import { type CommitCut, createCommitCut } from './src/postgres-commit-cut.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'

const CUTS = Math.min(500, faultsCount(60))
const TRANSACTION_CUTS = Math.ceil(CUTS / 4)
const CONTROL_CUTS = 5
const WIDTH = 16

const untilAllCut = (cut: CommitCut, times: number) =>
  waitUntil('all cuts', 120_000, () => cut.cuts() >= times)

test('T12 commit: when Postgres commits and its answer is lost, each request is stored, counted and answered once', async () => {
  announceSeed('T12 commit')
  const cut = createCommitCut(/^accept-(usual|messages) /)
  await using stack = await startStack({ dailyLimit: 1_000_000, proxyPostgres: { filter: cut.filter } })
  // A day's first request makes the tenant's usage row in several statements.
  await stack.client.sendUntilSettled({ idempotencyKey: 't12-first', to: ['user@example.net'] })
  cut.arm(CUTS)
  await writeDuring(stack.client, { width: WIDTH, prefix: 't12' }, () => untilAllCut(cut, CUTS))
  // With attachments it is a transaction of several statements, whose commit is cut.
  const attachments = [{ filename: 'a.txt', content: Buffer.alloc(3_000, 'a').toString('base64') }]
  cut.arm(TRANSACTION_CUTS)
  await inParallel(2 * TRANSACTION_CUTS, WIDTH, (index) =>
    stack.client.sendUntilSettled({
      idempotencyKey: `t12-attached-${index}`,
      to: ['user@example.net'],
      fields: { attachments },
    }),
  )
  expect(cut.cuts()).toBe(CUTS + TRANSACTION_CUTS)

  const { verdict } = await settle(stack, 60_000)
  const requests = stack.ledger.requests()
  expect(verdict).toEqual({ lost: [], repeated: [], unknown: [], overQuota: [], stuck: [] })
  expect(requests.every((request) => promisedIds(request).size === 1)).toBe(true)
  expect(await stack.provider.count()).toBe(requests.length)
  // A request whose connection was cut looks again automatically: no client has to repeat.
  expect(countStatuses(requests)).toEqual({ 202: requests.length })
  reportResult({
    test: 'T12 commit',
    fault: `connection cut ${CUTS + TRANSACTION_CUTS} times after a commit, before its answer`,
    n: requests.length,
    result: `0 lost, 0 repeats, stored = counted = answered = sent = ${requests.length}, every answer 202`,
    bound: 'stored = counted = answered, 0 repeats',
  })
}, 240_000)

test('T12 commit control: a gateway that does not recognise repeated requests stores an interrupted request twice', async () => {
  announceSeed('T12 commit control')
  const cut = createCommitCut(/^ insert into naive/)
  await using stack = await startNaiveStack({ postgresFilter: cut.filter })
  cut.arm(CONTROL_CUTS)
  await writeDuring(stack.client, { width: 4, prefix: 't12' }, () => untilAllCut(cut, CONTROL_CUTS))
  const { repeated } = summarize(await stack.judge())
  expect(repeated).toBeGreaterThan(0)
  reportResult({
    test: 'T12 commit control',
    fault: `a gateway without idempotency keys, cut ${CONTROL_CUTS} times after a commit`,
    n: stack.ledger.requests().length,
    result: `${repeated} repeats`,
    bound: 'repeats',
  })
}, 90_000)

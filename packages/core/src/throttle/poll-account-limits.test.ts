import type { Queryable } from '@lettergate/db/pool'
import { createCapture } from '@lettergate/providers/capture/index'
import type { AccountReport } from '@lettergate/providers/provider'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newConnectionState } from './connection-state.ts'
import { createLimitsPoller } from './poll-account-limits.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const never = () => new Promise<AccountReport>(() => {})
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A database that lets this worker poll every provider. */
function build(check: () => Promise<AccountReport>) {
  const asked: string[] = []
  const errors: unknown[] = []
  const statements: (string | undefined)[] = []
  const pool: Queryable = {
    query: async ({ name }) => {
      statements.push(name)
      return { rows: [JSON.parse('{"used":0}')], rowCount: 1, command: '', oid: 0, fields: [] }
    },
  }
  const poller = createLimitsPoller({
    pool,
    check,
    onPolled: (what) => asked.push(what),
    onError: (error) => errors.push(error),
  })
  return { poller, asked, errors, statements }
}

const capture = createCapture()
const provider = { ...capture, capabilities: { ...capture.capabilities, tellsLimits: true } }
const buildLocal = (tenantId: string, connectionId: string) =>
  newConnectionState(tenantId, connectionId, {
    provider,
    connectionId,
    connection: { id: connectionId, credentials: {}, settings: {} },
  })

test('a poll that ignores its signal is not waited for, at the deadline or when the worker stops', async () => {
  const { poller, asked, statements } = build(never)
  poller.ask([buildLocal('t', 'one')])
  await turn()
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(10_000)
  await turn()
  expect(asked).toEqual(['failed'])
  poller.ask([buildLocal('t', 'two')])
  await turn()
  await poller.stop()
  poller.ask([buildLocal('t', 'three')])
  await turn()
  expect(vi.getTimerCount()).toBe(0)
  expect(asked).toEqual(['failed'])
  expect(statements).toEqual(['claim-limits-poll', 'claim-limits-poll'])
})

test('an answer that comes after the deadline, or after the worker stopped, changes nothing', async () => {
  const answers: ((report: AccountReport) => void)[] = []
  const { poller, statements } = build(() => new Promise((resolve) => answers.push(resolve)))
  poller.ask([buildLocal('t', 'one')])
  await turn()
  vi.advanceTimersByTime(10_000)
  await turn()
  poller.ask([buildLocal('t', 'two')])
  await turn()
  await poller.stop()
  for (const answer of answers) answer({ problem: null, limits: { perSecond: 1 }, notes: [] })
  await turn()
  expect(answers).toHaveLength(2)
  expect(statements).toEqual(['claim-limits-poll', 'claim-limits-poll'])
})

test('a check that throws is reported, counts as failed, and does not stop other polls', async () => {
  const broken = new Error('broken')
  let calls = 0
  const { poller, asked, errors } = build(async () => {
    if (calls++ === 0) throw broken
    return { problem: null, limits: { perSecond: 1 }, notes: [] }
  })
  poller.ask([buildLocal('t', 'one'), buildLocal('t', 'two')])
  await turn()
  await turn()
  expect(asked).toEqual(['failed', 'reported'])
  expect(errors).toEqual([broken])
  expect(vi.getTimerCount()).toBe(0)
})

test('one worker polls 50 providers concurrently, 5 of one tenant', async () => {
  let calls = 0
  const { poller } = build(() => {
    calls++
    return never()
  })
  poller.ask(Array.from({ length: 20 }, (_, n) => buildLocal('greedy', `g${n}`)))
  await turn()
  expect(calls).toBe(5)
  poller.ask(Array.from({ length: 100 }, (_, n) => buildLocal(`t${n}`, `c${n}`)))
  await turn()
  expect(calls).toBe(50)
  await poller.stop()
})

test('a provider is not polled twice at the same time, even before the row shows the first poll', async () => {
  let calls = 0
  const { poller } = build(() => {
    calls++
    return never()
  })
  const state = buildLocal('t', 'one')
  poller.ask([state])
  await turn()
  poller.ask([{ ...state, askedAt: Number.NEGATIVE_INFINITY }])
  await turn()
  expect(calls).toBe(1)
  await poller.stop()
})

test('no provider is polled again within five minutes', async () => {
  let calls = 0
  const { poller } = build(async () => {
    calls++
    return { problem: null, notes: [] }
  })
  const state = buildLocal('t', 'one')
  poller.ask([state])
  await turn()
  vi.advanceTimersByTime(299_000)
  poller.ask([state])
  await turn()
  expect(calls).toBe(1)
  vi.advanceTimersByTime(2_000)
  poller.ask([state])
  await turn()
  expect(calls).toBe(2)
})

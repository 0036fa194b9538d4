import type { Queryable } from '@lettergate/db/pool'
import { createCapture } from '@lettergate/providers/capture/index'
import type { AccountReport } from '@lettergate/providers/provider'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newLocal } from './connection-state.ts'
import { createLimitsAsker } from './poll-account-limits.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const never = () => new Promise<AccountReport>(() => {})
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A database that lets this worker ask about whatever it wants to. */
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
  const asker = createLimitsAsker({
    ...{ pool, check, onAsked: (what) => asked.push(what), onError: (error) => errors.push(error) },
  })
  return { asker, asked, errors, statements }
}

const capture = createCapture()
const provider = { ...capture, capabilities: { ...capture.capabilities, tellsLimits: true } }
const buildLocal = (tenantId: string, connectionId: string) =>
  newLocal(tenantId, connectionId, {
    ...{ provider, connectionId, connection: { id: connectionId, credentials: {}, settings: {} } },
  })

test('who does not listen to the signal is not waited for: neither at the deadline nor when the worker stops', async () => {
  const { asker, asked, statements } = build(never)
  asker.ask([buildLocal('t', 'one')])
  await turn()
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(10_000)
  await turn()
  expect(asked).toEqual(['failed'])
  asker.ask([buildLocal('t', 'two')])
  await turn()
  await asker.stop()
  asker.ask([buildLocal('t', 'three')])
  await turn()
  expect(vi.getTimerCount()).toBe(0)
  expect(asked).toEqual(['failed'])
  expect(statements).toEqual(['pace-ask', 'pace-ask'])
})

test('an answer that comes after the deadline, or after the worker stopped, changes nothing', async () => {
  const answers: ((report: AccountReport) => void)[] = []
  const { asker, statements } = build(() => new Promise((resolve) => answers.push(resolve)))
  asker.ask([buildLocal('t', 'one')])
  await turn()
  vi.advanceTimersByTime(10_000)
  await turn()
  asker.ask([buildLocal('t', 'two')])
  await turn()
  await asker.stop()
  for (const answer of answers) answer({ fault: null, limits: { perSecond: 1 }, notes: [] })
  await turn()
  expect(answers).toHaveLength(2)
  expect(statements).toEqual(['pace-ask', 'pace-ask'])
})

test('a check that throws is reported, counts as failed, and keeps no other from being asked', async () => {
  const broken = new Error('broken')
  let calls = 0
  const { asker, asked, errors } = build(async () => {
    if (calls++ === 0) throw broken
    return { fault: null, limits: { perSecond: 1 }, notes: [] }
  })
  asker.ask([buildLocal('t', 'one'), buildLocal('t', 'two')])
  await turn()
  await turn()
  expect(asked).toEqual(['failed', 'told'])
  expect(errors).toEqual([broken])
  expect(vi.getTimerCount()).toBe(0)
})

test('one worker asks 50 providers at once, of which one tenant has 5', async () => {
  let calls = 0
  const { asker } = build(() => {
    calls++
    return never()
  })
  asker.ask(Array.from({ length: 20 }, (_, n) => buildLocal('greedy', `g${n}`)))
  await turn()
  expect(calls).toBe(5)
  asker.ask(Array.from({ length: 100 }, (_, n) => buildLocal(`t${n}`, `c${n}`)))
  await turn()
  expect(calls).toBe(50)
  await asker.stop()
})

test('nobody is asked twice at once, though the row does not say yet that it was', async () => {
  let calls = 0
  const { asker } = build(() => {
    calls++
    return never()
  })
  const local = buildLocal('t', 'one')
  asker.ask([local])
  await turn()
  asker.ask([{ ...local, askedAt: Number.NEGATIVE_INFINITY }])
  await turn()
  expect(calls).toBe(1)
  await asker.stop()
})

test('nobody is asked again within five minutes', async () => {
  let calls = 0
  const { asker } = build(async () => {
    calls++
    return { fault: null, notes: [] }
  })
  const local = buildLocal('t', 'one')
  asker.ask([local])
  await turn()
  vi.advanceTimersByTime(299_000)
  asker.ask([local])
  await turn()
  expect(calls).toBe(1)
  vi.advanceTimersByTime(2_000)
  asker.ask([local])
  await turn()
  expect(calls).toBe(2)
})

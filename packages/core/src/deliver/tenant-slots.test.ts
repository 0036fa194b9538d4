import { expect, test } from 'vitest'
import { createSlots, SlotsStopped } from './tenant-slots.ts'

/** Acquires and says what came of it so far. */
function take(slots: ReturnType<typeof createSlots>, tenantId: string, isBulk = false) {
  const state: { release?: () => void; error?: unknown } = {}
  slots.acquire({ tenantId, isBulk }).then(
    (release) => {
      state.release = release
    },
    (error: unknown) => {
      state.error = error
    },
  )
  return state
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
const held = (states: { release?: () => void }[]) => states.filter((state) => state.release).length

test('a single tenant gets half of the slots, so that another always gets one', async () => {
  const slots = createSlots(10)
  const hanging = Array.from({ length: 20 }, () => take(slots, 'a'))
  await turn()
  expect(held(hanging)).toBe(5)
  const other = take(slots, 'b')
  await turn()
  expect(other.release).toBeDefined()
})

test('the next tenant gets a slot, for any number of tenants that hang', async () => {
  const slots = createSlots(100)
  for (const tenant of ['a', 'b', 'c', 'd', 'e']) for (let i = 0; i < 100; i++) take(slots, tenant)
  const newcomer = take(slots, 'f')
  await turn()
  expect(newcomer.release).toBeDefined()
  expect(slots.busy()).toBeLessThan(100)
})

test('a released slot goes to a waiting caller, and a release counts once', async () => {
  const slots = createSlots(2)
  const first = take(slots, 'a')
  const second = take(slots, 'a')
  await turn()
  expect([held([first]), held([second])]).toEqual([1, 0])
  first.release?.()
  first.release?.()
  await turn()
  expect(held([second])).toBe(1)
  expect(slots.busy()).toBe(1)
})

test('waiting tenants take turns', async () => {
  const slots = createSlots(4)
  const running = [take(slots, 'a'), take(slots, 'a'), take(slots, 'b')]
  await turn()
  const waiting = [take(slots, 'a'), take(slots, 'a'), take(slots, 'b')]
  await turn()
  for (const state of running) state.release?.()
  await turn()
  expect(held([waiting[2] ?? {}])).toBe(1)
})

test("a tenant's hanging bulk calls leave a slot for its transactional mail", async () => {
  const slots = createSlots(10)
  const hanging = Array.from({ length: 20 }, () => take(slots, 'a', true))
  await turn()
  expect(held(hanging)).toBe(5)
  const urgent = take(slots, 'a')
  await turn()
  expect(urgent.release).toBeDefined()
})

test('a released slot goes to transactional mail, and to bulk once in eight times', async () => {
  const slots = createSlots(2)
  let running = take(slots, 'a')
  await turn()
  const bulk = Array.from({ length: 10 }, () => take(slots, 'a', true))
  const urgent = Array.from({ length: 20 }, () => take(slots, 'a'))
  const order: string[] = []
  for (let i = 0; i < 16; i++) {
    running.release?.()
    await turn()
    const next = [...urgent, ...bulk].find(({ release }) => release)
    if (!next) throw new Error('nobody got the slot')
    order.push(bulk.includes(next) ? 'b' : 't')
    running = { ...next }
    delete next.release
  }
  expect(order.join('')).toBe('tttttttbtttttttb')
})

test('after a stop, waiting and new callers are refused', async () => {
  const slots = createSlots(2)
  take(slots, 'a')
  const waiting = take(slots, 'a')
  await turn()
  slots.stop()
  const late = take(slots, 'b')
  await turn()
  expect(waiting.error).toBeInstanceOf(SlotsStopped)
  expect(late.error).toBeInstanceOf(SlotsStopped)
})

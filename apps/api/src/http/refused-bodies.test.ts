import { expect, test } from 'vitest'
import { createRefusedBodies } from './refused-bodies.ts'

const MB = 1024 * 1024

function withClock() {
  let ms = 0
  const bodies = createRefusedBodies(() => ms)
  return {
    bodies,
    pass(passed: number) {
      ms += passed
    },
  }
}

test('S6: a tenant whose refused bodies exceed 10 MB a second has to wait, and no other tenant does', () => {
  const { bodies, pass } = withClock()
  for (let second = 0; second < 60; second++) {
    bodies.charge('steady', 9 * MB)
    bodies.charge('fast', 15 * MB)
    pass(1_000)
  }
  expect(bodies.waitSeconds('steady')).toBe(0)
  expect(bodies.waitSeconds('fast')).toBeGreaterThan(0)
  expect(bodies.waitSeconds('nobody')).toBe(0)
})

test('S6: one refused body of the largest size makes no tenant wait', () => {
  const { bodies } = withClock()
  bodies.charge('a', 48 * MB)
  expect(bodies.waitSeconds('a')).toBe(0)
})

test('S6: the wait is as long as the answer says, and at most ten seconds', () => {
  const { bodies, pass } = withClock()
  bodies.charge('a', 89 * MB)
  expect(bodies.waitSeconds('a')).toBe(3)
  pass(2_400)
  expect(bodies.waitSeconds('a')).toBe(1)
  pass(200)
  expect(bodies.waitSeconds('a')).toBe(0)
  for (let i = 0; i < 100; i++) bodies.charge('a', 48 * MB)
  expect(bodies.waitSeconds('a')).toBe(10)
})

test('S6: the memory of tenants is bounded: the oldest tenant is removed', () => {
  const { bodies } = withClock()
  for (let i = 0; i < 10_001; i++) bodies.charge(`tenant ${i}`, 89 * MB)
  expect(bodies.waitSeconds('tenant 0')).toBe(0)
  expect(bodies.waitSeconds('tenant 1')).toBe(3)
})

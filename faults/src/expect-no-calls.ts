import { expect } from 'vitest'
import type { Stack } from './stack.ts'

/** The worker says that it holds no slot any more. */
export async function expectNoCalls(stack: Stack): Promise<void> {
  const metrics = await fetch(`http://127.0.0.1:${stack.env.WORKER_METRICS_PORT}/metrics`)
  expect(await metrics.text()).toMatch(/^lettergate_calls_busy 0$/m)
}

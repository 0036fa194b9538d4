import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from './stack.ts'

async function readRssMb(stack: Stack): Promise<number> {
  const status = await readFile(`/proc/${stack.worker.current().pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

/** The largest growth of the first worker's memory until the deed is done, in MB. */
export async function memoryGrowthMb(stack: Stack, deed: Promise<unknown>): Promise<number> {
  const before = await readRssMb(stack)
  let most = before
  let done = false
  const watching = (async () => {
    while (!done) {
      most = Math.max(most, await readRssMb(stack))
      await sleep(50)
    }
  })()
  await deed.finally(() => {
    done = true
  })
  await watching
  return Math.round(most - before)
}

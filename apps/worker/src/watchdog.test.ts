import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

const WATCHDOG = new URL('./watchdog.ts', import.meta.url).href

async function endOf(deed: string): Promise<unknown[]> {
  const code = `const { startWatchdog } = await import('${WATCHDOG}'); startWatchdog(1000); ${deed}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' })
  return await once(child, 'exit')
}

test('a process whose main thread is stuck is ended, and one that has nothing to do ends by itself', async () => {
  expect(await endOf('setTimeout(() => { for (;;); }, 300)')).toEqual([null, 'SIGKILL'])
  expect(await endOf('')).toEqual([0, null])
}, 120_000)

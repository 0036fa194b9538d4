import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROCESS = fileURLToPath(new URL('../test/stuck.ts', import.meta.url))

async function endOf(deed: 'stuck' | 'idle'): Promise<unknown[]> {
  const child = spawn(process.execPath, [PROCESS, deed], { stdio: 'ignore' })
  return await once(child, 'exit')
}

test('the watchdog ends a process whose main thread is stuck, and does not keep an idle process alive', async () => {
  expect(await endOf('stuck')).toEqual([null, 'SIGKILL'])
  expect(await endOf('idle')).toEqual([0, null])
}, 120_000)

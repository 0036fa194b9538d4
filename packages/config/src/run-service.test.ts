import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../test/slow-service.ts', import.meta.url))

test('a service that gets several signals finishes what is in hand, once', async () => {
  const child = spawn(process.execPath, [SCRIPT])
  let text = ''
  child.stdout.on('data', (piece) => {
    text += piece
  })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([0, null])
  expect(text).toBe('ready\nstopping\nstopped\n')
})

test('a service that cannot start says why, and has the exit code 1', async () => {
  const child = spawn(process.execPath, [SCRIPT, 'broken'])
  let text = ''
  child.stderr.on('data', (piece) => {
    text += piece
  })
  expect(await once(child, 'close')).toEqual([1, null])
  expect(text).toBe('The test could not start: Error: no port\n')
})

import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

const LOOK_MS = 500

const { beats, stuckMs }: { beats: Int32Array; stuckMs: number } = workerData
let seen = Atomics.load(beats, 0)
let looks = 0

// Counts checks and not time: a suspended process makes no checks.
setInterval(() => {
  const now = Atomics.load(beats, 0)
  looks = now === seen ? looks + 1 : 0
  seen = now
  if (looks * LOOK_MS < stuckMs) return
  writeSync(2, `The main thread was blocked for ${stuckMs / 1000} s, so the process is ended.\n`)
  process.kill(process.pid, 'SIGKILL')
}, LOOK_MS)

import { url as inspectorUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'

/** A thread blocked for this long will not return: an endless loop, or a call that never returns. */
const STUCK_MS = 15_000
const BEAT_MS = 500

/**
 * Ends this process when its main thread is stuck, so that its supervisor starts it again: nobody else notices, since a stuck process
 * keeps its connections. Watches from a thread of its own. Time in which the whole process was suspended does not count.
 */
export function startWatchdog(stuckMs = STUCK_MS): void {
  // At a breakpoint, the thread stands still for a reason.
  if (inspectorUrl() !== undefined) return
  const beats = new Int32Array(new SharedArrayBuffer(4))
  setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref()
  const thread = new Worker(new URL('./watchdog-thread.ts', import.meta.url), {
    workerData: { beats, stuckMs },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    execArgv: [],
  })
  thread.unref()
}

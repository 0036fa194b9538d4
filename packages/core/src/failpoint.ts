/** Called at a named place where a crash would be most harmful; does nothing unless a fault test armed it. */
export type Failpoint = (name: string) => Promise<void> | void

export const noFailpoint: Failpoint = () => {}

type Action = { run(): Promise<void> | void; oneIn: number }

/** What ends or suspends this very process returns before the signal has arrived: nothing more may happen meanwhile. */
function signal(name: 'SIGKILL' | 'SIGSTOP'): Action['run'] {
  return () => {
    process.kill(process.pid, name)
  }
}

function parseAction(text: string): Action['run'] {
  if (text === 'kill9') return signal('SIGKILL')
  if (text === 'stop') return signal('SIGSTOP')
  if (text === 'throw')
    return () => {
      throw new Error('failpoint')
    }
  const sleep = /^sleep(\d+)$/.exec(text)
  if (sleep) return () => new Promise((resolve) => setTimeout(resolve, Number(sleep[1])))
  throw new Error(`unknown failpoint action ${text}: use kill9, stop, throw or sleep<ms>`)
}

/** Numbers from 0 to 1; the same ones for the same seed (Mulberry32). */
function drawsFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Reads `name:action:1/n[,…][;seed=n]`; for instance `after_provider_ack_before_db:kill9:1/50;seed=7`. With a seed, it
 * strikes at the same calls each time.
 */
export function createFailpoint(spec: string | undefined): Failpoint {
  if (!spec) return noFailpoint
  const [, entries = spec, seed] = /^(.*);seed=(\d+)$/.exec(spec) ?? []
  const draw = seed === undefined ? Math.random : drawsFrom(Number(seed))
  const actions = new Map<string, Action>()
  for (const entry of entries.split(',')) {
    const match = /^(\w+):(\w+)(?::1\/(\d+))?$/.exec(entry.trim())
    if (!match?.[1] || !match[2]) throw new Error(`unreadable failpoint ${entry}: write name:action:1/n`)
    actions.set(match[1], { run: parseAction(match[2]), oneIn: Number(match[3] ?? 1) })
  }
  return (name) => {
    const action = actions.get(name)
    if (action && draw() * action.oneIn < 1) return action.run()
  }
}

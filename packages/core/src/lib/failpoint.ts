/**
 * Injects a fault at a named place where a crash would be most harmful; `tags`: of the message being handled. Does nothing unless a fault
 * test armed it.
 */
export type Failpoint = (name: string, tags?: readonly string[]) => Promise<void> | void

export const noFailpoint: Failpoint = () => {}

type Action = { name: string; run(): Promise<void> | void; oneIn: number; tag: string | undefined }

/** Waits for the signal that ends or suspends this process: the call returns before it arrives. */
function signal(name: 'SIGKILL' | 'SIGSTOP'): Action['run'] {
  return () => {
    process.kill(process.pid, name)
  }
}

/** Until V8 ends the process. */
function takeAllMemory(): never {
  const kept: number[][] = []
  for (;;) kept.push(new Array<number>(1_000_000).fill(0.5))
}

const ACTIONS: Readonly<Record<string, Action['run']>> = {
  kill9: signal('SIGKILL'),
  stop: signal('SIGSTOP'),
  throw() {
    throw new Error('failpoint')
  },
  exit: () => process.exit(0),
  memory: takeAllMemory,
  loop() {
    for (;;);
  },
}

function parseAction(text: string): Action['run'] {
  const sleep = /^sleep(\d+)$/.exec(text)
  if (sleep) return () => new Promise((resolve) => setTimeout(resolve, Number(sleep[1])))
  const action = Object.hasOwn(ACTIONS, text) ? ACTIONS[text] : undefined
  if (action) return action
  throw new Error(`unknown failpoint action ${text}: use ${Object.keys(ACTIONS).join(', ')} or sleep<ms>`)
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
 * Reads `name:action:1/n[,…][;seed=n]`; for instance `after_provider_ack_before_db:kill9:1/50;seed=7`. With a seed, the
 * faults hit the same calls each time. `name:action:tag=text` hits each message with this tag and no other; `taggedOnly` ignores the other
 * entries: a process that carries one message must not fail at random.
 */
export function createFailpoint(
  spec: string | undefined,
  { taggedOnly = false }: { taggedOnly?: boolean } = {},
): Failpoint {
  if (!spec) return noFailpoint
  const [, entries = spec, seed] = /^(.*);seed=(\d+)$/.exec(spec) ?? []
  const draw = seed === undefined ? Math.random : drawsFrom(Number(seed))
  const actions: Action[] = []
  for (const entry of entries.split(',')) {
    const match = /^(\w+):(\w+)(?::1\/(\d+)|:tag=([\w-]+))?$/.exec(entry.trim())
    if (!match?.[1] || !match[2]) throw new Error(`unreadable failpoint ${entry}: write name:action:1/n`)
    const [, place, action, oneIn = 1, tag] = match
    if (tag === undefined && taggedOnly) continue
    actions.push({ name: place, run: parseAction(action), oneIn: Number(oneIn), tag })
  }
  return (name, tags = []) => {
    const action = actions.find(
      (one) => one.name === name && (one.tag === undefined || tags.includes(one.tag)),
    )
    if (action && (action.tag !== undefined || draw() * action.oneIn < 1)) return action.run()
  }
}

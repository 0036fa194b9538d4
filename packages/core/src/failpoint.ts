/** Called at a named place where a crash would be most harmful; does nothing unless a fault test armed it. */
export type Failpoint = (name: string) => Promise<void> | void

export const noFailpoint: Failpoint = () => {}

type Action = { run(): Promise<void> | void; oneIn: number }

function parseAction(text: string): Action['run'] {
  if (text === 'kill9') return () => void process.kill(process.pid, 'SIGKILL')
  if (text === 'throw')
    return () => {
      throw new Error('failpoint')
    }
  const sleep = /^sleep(\d+)$/.exec(text)
  if (sleep) return () => new Promise((resolve) => setTimeout(resolve, Number(sleep[1])))
  throw new Error(`unknown failpoint action ${text}: use kill9, throw or sleep<ms>`)
}

/** Reads `name:action:1/n[,…]`; for instance `after_provider_ack_before_db:kill9:1/50`. */
export function createFailpoint(spec: string | undefined): Failpoint {
  if (!spec) return noFailpoint
  const actions = new Map<string, Action>()
  for (const entry of spec.split(',')) {
    const match = /^(\w+):(\w+)(?::1\/(\d+))?$/.exec(entry.trim())
    if (!match?.[1] || !match[2]) throw new Error(`unreadable failpoint ${entry}: write name:action:1/n`)
    actions.set(match[1], { run: parseAction(match[2]), oneIn: Number(match[3] ?? 1) })
  }
  return (name) => {
    const action = actions.get(name)
    if (action && Math.random() * action.oneIn < 1) return action.run()
  }
}

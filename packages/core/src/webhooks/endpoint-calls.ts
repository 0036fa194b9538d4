/** Concurrent calls to one endpoint by its cursor. */
const CALLS = 8

/** The calls to one endpoint over the pages of its events: a slow call outlives its page. */
export type EndpointCalls = {
  /** Resolves once there is room for one more call, with what ends it. */
  begin(): Promise<(isOk: boolean) => void>
  /** Calls under way since which none has succeeded. */
  inDoubt(): number
}

export function createEndpointCalls(): EndpointCalls {
  const inDoubt = new Set<symbol>()
  const waiting: (() => void)[] = []
  let underway = 0
  return {
    async begin() {
      if (underway < CALLS) underway++
      else await new Promise<void>((resolve) => waiting.push(resolve))
      const call = Symbol()
      inDoubt.add(call)
      return (isOk) => {
        if (isOk) inDoubt.clear()
        else inDoubt.delete(call)
        const next = waiting.shift()
        if (next) next()
        else underway--
      }
    },
    inDoubt: () => inDoubt.size,
  }
}

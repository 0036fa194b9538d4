import { clock } from '@lettergate/faults/run-faults-progress'

/** The time of a part on two cores, in seconds: for the estimate only. */
export type PartTimes = Record<string, number>

export type Progress = {
  begin(part: string): void
  end(part: string): void
}

/** A line when a part begins and one when it ends, with the time that has passed and the whole as it looks by now. */
export function createProgress(
  chosen: readonly string[],
  estimates: PartTimes,
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): Progress {
  const start = now()
  const total = chosen.reduce((sum, part) => sum + (estimates[part] ?? 0), 0)
  let [done, since] = [0, start]
  const estimated = () => {
    const left = total - done
    return clock(now() - start + left * 1_000)
  }
  const position = (part: string) =>
    `[${chosen.indexOf(part) + 1}/${chosen.length}] ${clock(now() - start)} of about ${estimated()}  ${part}`
  return {
    begin(part) {
      since = now()
      say(`${position(part)} …\n`)
    },
    end(part) {
      done += estimates[part] ?? 0
      say(`${position(part)}: ${Math.round((now() - since) / 1_000)} s\n`)
    },
  }
}

import type { PoolSettings } from '@lettergate/contracts/pool/pool'

/** What became of a tenant's mail through the pool. */
export type Figures = {
  handed: number
  bounced: number
  complained: number
  lastDay: { bounced: number; complained: number }
  isNew: boolean
}

export type Verdict = { state: 'ok' } | { state: 'warned' | 'paused'; why: string }

/** One-sided 90 and 95 per cent: a warning may be wrong more often than a pause. */
const Z = { warn: 1.28, pause: 1.64 }

/**
 * The lowest share that `count` of `of` is likely to come from (Wilson's interval): with few recipients one bounce says little, and this says
 * so without a fixed minimum.
 */
export function lowerBound(count: number, of: number, z: number): number {
  if (of <= 0) return 0
  const share = Math.min(1, count / of)
  const middle = share + (z * z) / (2 * of)
  const spread = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))
  return Math.max(0, (middle - spread) / (1 + (z * z) / of))
}

/** The bound that a pause is decided by. */
export const likelyShare = (count: number, of: number) => lowerBound(count, of, Z.pause)

const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`

type Bounds = { min: number; warn: number; pause: number }

/** Judges one kind of bad end of `count` of `of` recipients. */
function judgeShare(what: string, count: number, of: number, { min, ...limits }: Bounds): Verdict {
  if (count < min) return { state: 'ok' }
  for (const [kind, state] of [
    ['pause', 'paused'],
    ['warn', 'warned'],
  ] as const) {
    if (lowerBound(count, of, Z[kind]) >= limits[kind])
      return { state, why: `${count} of ${of} recipients ${what}; the limit is ${percent(limits[kind])}` }
  }
  return { state: 'ok' }
}

/** Judges a tenant by its figures; the worse of both shares counts. Pure. */
export function judgeAbuse(figures: Figures, rule: PoolSettings): Verdict {
  const { handed, bounced, complained, lastDay, isNew } = figures
  const ofNew = (n: number, what: string): Verdict => ({
    state: 'paused',
    why: `${n} recipients ${what} within 24 hours, and the tenant is new`,
  })
  if (isNew && lastDay.bounced >= rule.new_bounces) return ofNew(lastDay.bounced, 'bounced')
  if (isNew && lastDay.complained >= rule.new_complaints) return ofNew(lastDay.complained, 'reported spam')
  if (handed < rule.recipients_min) return { state: 'ok' }
  const verdicts = [
    judgeShare('bounced', bounced, handed, {
      min: rule.bounces_min,
      warn: rule.bounces_warn,
      pause: rule.bounces_pause,
    }),
    judgeShare('reported spam', complained, handed, {
      min: rule.complaints_min,
      warn: rule.complaints_warn,
      pause: rule.complaints_pause,
    }),
  ]
  return (
    verdicts.find(({ state }) => state === 'paused') ??
    verdicts.find(({ state }) => state === 'warned') ?? { state: 'ok' }
  )
}

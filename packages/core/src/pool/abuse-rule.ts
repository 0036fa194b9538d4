/** When a tenant's mail through the pool is stopped. Shares of 1. */
export type AbuseThresholds = {
  recipientsMin: number
  bouncesMin: number
  complaintsMin: number
  bounces: { warn: number; pause: number }
  complaints: { warn: number; pause: number }
  /** Of a tenant younger than 30 days, within 24 hours. */
  newTenant: { bounces: number; complaints: number }
}

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

function judgeOne(
  what: string,
  {
    count,
    of,
    min,
    limits,
  }: { count: number; of: number; min: number; limits: { warn: number; pause: number } },
): Verdict {
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
export function judgeAbuse(figures: Figures, thresholds: AbuseThresholds): Verdict {
  const { handed, bounced, complained, lastDay, isNew } = figures
  const { newTenant } = thresholds
  if (isNew && lastDay.bounced >= newTenant.bounces)
    return {
      state: 'paused',
      why: `${lastDay.bounced} recipients bounced within 24 hours, and the tenant is new`,
    }
  if (isNew && lastDay.complained >= newTenant.complaints)
    return {
      state: 'paused',
      why: `${lastDay.complained} recipients reported spam within 24 hours, and the tenant is new`,
    }
  if (handed < thresholds.recipientsMin) return { state: 'ok' }
  const verdicts = [
    judgeOne('bounced', {
      count: bounced,
      of: handed,
      min: thresholds.bouncesMin,
      limits: thresholds.bounces,
    }),
    judgeOne('reported spam', {
      count: complained,
      of: handed,
      min: thresholds.complaintsMin,
      limits: thresholds.complaints,
    }),
  ]
  return (
    verdicts.find(({ state }) => state === 'paused') ??
    verdicts.find(({ state }) => state === 'warned') ?? { state: 'ok' }
  )
}

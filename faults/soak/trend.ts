export type Point = { at: number; value: number }

/** Per second, by Theil–Sen: the middle of the slopes between all pairs, which no single peak can move. */
export function slopeOf(points: readonly Point[]): number {
  const slopes = points.flatMap((a, index) =>
    points.slice(index + 1).flatMap((b) => (b.at > a.at ? [(b.value - a.value) / (b.at - a.at)] : [])),
  )
  return slopes.length === 0 ? 0 : middle(slopes)
}

/** The middle value; of an even count, the lower of the two in the middle. */
export function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
}

export type Trend = { start: number; end: number; growth: number; seconds: number }

/** The growth by the slope between the first point and the last; null when that time is too short. */
export function trendOf(points: readonly Point[], secondsMin: number): Trend | null {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || last.at - first.at < secondsMin) return null
  const third = Math.ceil(points.length / 3)
  const seconds = last.at - first.at
  return {
    start: middle(points.slice(0, third).map(({ value }) => value)),
    end: middle(points.slice(-third).map(({ value }) => value)),
    growth: slopeOf(points) * seconds,
    seconds,
  }
}

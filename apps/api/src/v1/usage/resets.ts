function dateOf(day: string): { year: number; month: number; date: number } {
  const time = new Date(`${day}T00:00:00Z`)
  return { year: time.getUTCFullYear(), month: time.getUTCMonth(), date: time.getUTCDate() }
}

/** The end of this UTC day. */
export function nextDay(day: string): string {
  const { year, month, date } = dateOf(day)
  return new Date(Date.UTC(year, month, date + 1)).toISOString()
}

/** The end of the month of this UTC day. */
export function nextMonth(day: string): string {
  const { year, month } = dateOf(day)
  return new Date(Date.UTC(year, month + 1, 1)).toISOString()
}

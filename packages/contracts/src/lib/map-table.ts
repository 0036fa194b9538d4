/** Makes the same of every row of a table, under the same names. */
export function mapTable<K extends string, V, T>(
  table: Readonly<Record<K, V>>,
  make: (value: V, name: K) => T,
): Record<K, T>
export function mapTable(
  table: Record<string, unknown>,
  make: (value: unknown, name: string) => unknown,
): object {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, make(value, name)]))
}

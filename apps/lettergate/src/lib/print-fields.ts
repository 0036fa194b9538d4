import { styleText } from 'node:util'

export type Fields = Readonly<Record<string, unknown>>

export function shown(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return value.toLocaleString('en-US')
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(shown).join(', ')
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value)
  return entries.length === 0 ? '–' : entries.map(([name, item]) => `${name}=${shown(item)}`).join(' ')
}

const write = (text: string) => void process.stdout.write(text)
const labelOf = (name: string) => name.replaceAll('_', ' ')

/** One object on stdout: a field a line, or for machines as JSON. */
export function printFields(fields: Fields, options: { json: boolean }): void {
  if (options.json) {
    write(`${JSON.stringify(fields)}\n`)
    return
  }
  const names = Object.keys(fields).map(labelOf)
  const width = Math.max(...names.map((name) => name.length))
  for (const [name, value] of Object.entries(fields))
    write(`${styleText('bold', labelOf(name).padEnd(width))}  ${shown(value)}\n`)
}

/** What a change did, or would do: each field that differs, before and after. */
export function printChange(
  what: string,
  change: { before: Fields | null; after: Fields | null },
  options: { json: boolean; dryRun: boolean },
): void {
  const { before, after } = change
  if (options.json) {
    write(`${JSON.stringify({ dry_run: options.dryRun, before, after })}\n`)
    return
  }
  const names = Object.keys({ ...before, ...after })
  const isSame = (name: string) => JSON.stringify(before?.[name]) === JSON.stringify(after?.[name])
  const changed = names.filter((name) => name !== 'updated_at' && !isSame(name))
  const [would, did] = before === null ? ['Would create', 'Created'] : ['Would change', 'Changed']
  const title = options.dryRun ? would : did
  if (changed.length === 0) {
    write(`${what} stays as it is.\n`)
    return
  }
  write(`${styleText(options.dryRun ? 'yellow' : 'green', title)} ${what}:\n`)
  const width = Math.max(...changed.map((name) => labelOf(name).length))
  for (const name of changed) {
    const from = before === null ? '' : `${styleText('dim', shown(before[name]))} → `
    write(`  ${labelOf(name).padEnd(width)}  ${from}${shown(after?.[name])}\n`)
  }
}

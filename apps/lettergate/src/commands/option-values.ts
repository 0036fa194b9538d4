import { ChangeOwnLimits, limitFields } from '@lettergate/contracts/admin/limits'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import type { z } from 'zod'
import { CliError } from '../cli-error.ts'

/** Collects the values of an option that may be given several times. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

/** `name=value`, where `none` is null. */
function toPair(text: string, option: string, names: readonly string[] | null): [string, number | null] {
  const [, name = '', value = ''] = /^([a-z_]+)=(none|\d{1,16})$/.exec(text) ?? []
  if (value === '' || (names !== null && !names.includes(name))) {
    const known = names === null ? '' : `; names: ${names.join(', ')}`
    throw new CliError(`--${option} ${text} must be name=number or name=none${known}`)
  }
  return [name, value === 'none' ? null : Number(value)]
}

/** The limits that `--limit` gives, by the names of the API. */
export function readLimits(texts: readonly string[] | undefined): Record<string, number | null> {
  const names = Object.keys(limitFields)
  return Object.fromEntries((texts ?? []).map((text) => toPair(text, 'limit', names)))
}

/** The resources that `--resource` gives; `none` leaves one out. */
export function readResources(texts: readonly string[] | undefined): Record<string, number> | undefined {
  if (texts === undefined) return undefined
  const pairs = texts.map((text) => toPair(text, 'resource', null))
  return Object.fromEntries(pairs.flatMap(([name, value]) => (value === null ? [] : [[name, value]])))
}

/** A tenant's own limits, as the API takes them. */
export function readOwnLimits(texts: readonly string[] | undefined): ChangeOwnLimits | undefined {
  if (texts === undefined) return undefined
  return checkWith(ChangeOwnLimits, readLimits(texts), '--limit')
}

/** Holds values against a schema of the API; all faults in one line. */
export function checkWith<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CliError(
    parsed.error.issues.map(({ path, message }) => `${what} ${path.join('.')} ${message}`).join('; '),
  )
}

/** The uuid of a tenant that a command names. */
export function tenantIdOf(text: string): string {
  const id = fromPublicId('ten', text)
  if (id === null) throw new CliError(`${text} is not the id of a tenant: it begins with ten_`)
  return id
}

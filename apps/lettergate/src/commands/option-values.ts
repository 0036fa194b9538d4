import { ChangeOwnLimits, limitFields } from '@lettergate/contracts/admin/limits'
import { resourceMaxima } from '@lettergate/contracts/admin/resources'
import { EgressRule } from '@lettergate/contracts/egress/rules'
import { fromPublicId } from '@lettergate/contracts/lib/ids'
import { given } from '@lettergate/core/lib'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'

/** A whole number as the value of an option. */
export function wholeNumber(min: number, max: number) {
  const isOne = (text: string) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max
  return z.string().refine(isOne, `must be a whole number from ${min} to ${max}`).transform(Number)
}

/** Collects the values of an option that may be given several times. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

/** `name=value`, where `none` is null. */
function toPair(text: string, option: string, names: readonly string[]): [string, number | null] {
  const [, name = '', value = ''] = /^([a-z_]+)=(none|\d{1,16})$/.exec(text) ?? []
  if (value === '' || !names.includes(name))
    throw new CliError(`--${option} ${text} must be name=number or name=none; names: ${names.join(', ')}`)
  return [name, value === 'none' ? null : Number(value)]
}

/** The limits that `--limit` gives, by the names of the API. */
export function readLimits(texts: readonly string[] | undefined): Record<string, number | null> {
  const names = Object.keys(limitFields)
  return Object.fromEntries((texts ?? []).map((text) => toPair(text, 'limit', names)))
}

/** The numbers of resources that `--resource` gives. */
function readResources(texts: readonly string[] | undefined): Record<string, number | null> | undefined {
  const names = Object.keys(resourceMaxima)
  return texts && Object.fromEntries(texts.map((text) => toPair(text, 'resource', names)))
}

/** The resources of a plan, which replace those before; `none` leaves one out. */
export function readPlanResources(texts: readonly string[] | undefined): object | undefined {
  const resources = readResources(texts)
  return resources && Object.fromEntries(Object.entries(resources).filter(([, most]) => most !== null))
}

/** A tenant's own limits, as the API takes them. */
export function readOwnLimits(
  limits: readonly string[] | undefined,
  resources: readonly string[] | undefined,
): ChangeOwnLimits | undefined {
  if (limits === undefined && resources === undefined) return undefined
  return checkWith(
    ChangeOwnLimits,
    { ...readLimits(limits), ...given({ resources: readResources(resources) }) },
    'limit',
  )
}

/** Rules of egress as `--egress` gives them: protocols, hosts and perhaps ports, as lists with commas. Null: `none` alone was given. */
export function readEgress(texts: readonly string[] | undefined): EgressRule[] | null | undefined {
  if (texts === undefined) return undefined
  if (texts.length === 1 && texts[0] === 'none') return null
  return texts.map((text) => {
    const [protocols, hosts, ports, ...rest] = text
      .trim()
      .split(/\s+/)
      .map((list) => list.split(','))
    if (protocols === undefined || hosts === undefined || rest.length > 0)
      throw new CliError(
        `--egress "${text}" must be protocols, hosts and perhaps ports, such as "https,smtp *.example.com 443,587"; or none`,
      )
    return checkWith(EgressRule, { protocols, hosts, ...(ports && { ports: ports.map(Number) }) }, '--egress')
  })
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
  if (id === null)
    throw new CliError(
      `${text} is not the id of a tenant: that is ten_ and 26 characters; see lettergate tenant list`,
    )
  return id
}

import { z } from 'zod'
import { fromPublicId, type IdPrefix } from './ids.ts'
import { parseAddress } from './mailbox.ts'
import { lineIssue } from './text-rules.ts'
import { timeText, toDate } from './timestamp.ts'

// What the schemas of many folders are put together from. Each description is published in the reference.

const meaning = (description: string, example: string | undefined) =>
  example === undefined ? { description } : { description, examples: [example] }

export const text = (description: string, example?: string) => z.string().meta(meaning(description, example))
export const maybeText = (description: string, example?: string) =>
  z.string().nullable().meta(meaning(description, example))
export const texts = (description: string) => z.array(z.string()).meta({ description })
export const int = (description: string) => z.int().meta({ description })
export const maybeInt = (description: string) => z.int().nullable().meta({ description })
export const flag = (description: string) => z.boolean().meta({ description })

const exampleId = (prefix: IdPrefix) => `${prefix}_01m7wa5yjwe1qr5m7w1gzh99cc`
/** A public id. */
export const id = (prefix: IdPrefix, description: string) => text(description, exampleId(prefix))
export const maybeId = (prefix: IdPrefix, description: string) => maybeText(description, exampleId(prefix))

/** Reads a public id, for a transform. */
export const toUuid = (prefix: IdPrefix) => (value: string, context: z.RefinementCtx) => {
  const uuid = fromPublicId(prefix, value)
  if (uuid !== null) return uuid
  context.addIssue({ code: 'custom', message: `must be an id that begins with ${prefix}_` })
  return z.NEVER
}

/** A public id in a request, as its uuid. */
export const givenId = (prefix: IdPrefix, description: string) =>
  id(prefix, description).transform(toUuid(prefix))

const TIME_EXAMPLE = '2026-11-20T09:30:00.000Z'
/** A time in an answer. */
export const time = (description: string) =>
  z.iso.datetime({ offset: true }).meta(meaning(description, TIME_EXAMPLE))
export const maybeTime = (description: string) =>
  z.iso.datetime({ offset: true }).nullable().meta(meaning(description, TIME_EXAMPLE))

/** A time that a request is limited by. */
export const timeBound = (description: string) =>
  timeText
    .meta({ format: 'date-time', description, examples: ['2026-11-20T00:00:00Z'] })
    .transform(toDate)
    .optional()

export const reason = maybeText('The reason, often in the words of the provider. Null: none.')

/** An answer with all of something. */
export const listOf = <T extends z.ZodType>(item: T, description: string) =>
  z.object({ data: z.array(item).meta({ description }) })

export const nextCursor = maybeText('Give it as `cursor` to get the next page; null: this is the last page.')

/** An answer with one page of something. */
export const pageOf = <T extends z.ZodType>(item: T, description: string) =>
  listOf(item, description).extend({ next_cursor: nextCursor })

export const cursor = text('The `next_cursor` of the page before.').optional()
/** A whole number of a query, such as the length of a page. */
export const queryInt = (description: string, { max, usual }: { max: number; usual: number }) =>
  z.coerce.number().int().min(1).max(max).default(usual).meta({ description })

/** Fields to change: each may be left out, and stays as it is then. */
export const changeOf = <T extends z.core.$ZodLooseShape>(fields: T) => z.strictObject(fields).partial()
/** The same, where a change of nothing is a mistake. */
export const anyChangeOf = <T extends z.core.$ZodLooseShape>(fields: T) =>
  changeOf(fields).refine((change) => Object.keys(change).length > 0, 'names nothing to change')

/** A text of a person, without line breaks. */
export const oneLine = (schema: z.ZodString) =>
  schema.refine((given) => lineIssue(given) === undefined, 'has a line break or another control character')

const toAddress = (given: string, context: z.RefinementCtx): string => {
  const parsed = parseAddress(given)
  if ('address' in parsed) return parsed.address
  context.addIssue({ code: 'custom', message: parsed.detail })
  return z.NEVER
}

/** An address in any spelling that a message may have it in, as it is stored. */
export const address = (description: string) =>
  z
    .string()
    .max(1_000)
    .meta({ description, examples: ['user@example.net'] })
    .transform(toAddress)

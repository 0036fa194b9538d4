import { z } from 'zod'
import { parseAddress } from './mailbox.ts'

/** A time in an answer. */
export const time = (description: string) =>
  z.iso.datetime({ offset: true }).meta({ description, examples: ['2026-11-20T09:30:00.000Z'] })

/** A time in an answer, or null. */
export const maybeTime = (description: string) =>
  z.iso
    .datetime({ offset: true })
    .nullable()
    .meta({ description, examples: ['2026-11-20T09:30:00.000Z'] })

export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Give it as `cursor` to get the next page; null: this is the last page.' })

export const reason = z
  .string()
  .nullable()
  .meta({ description: 'The reason, often in the words of the provider. Null: none.' })

const toAddress = (text: string, context: z.RefinementCtx): string => {
  const parsed = parseAddress(text)
  if ('address' in parsed) return parsed.address
  context.addIssue({ code: 'custom', message: parsed.detail })
  return z.NEVER
}

/** An address in any spelling that a message may have it in, as it is stored. */
export const addressText = (description: string) =>
  z
    .string()
    .max(1_000)
    .meta({ description, examples: ['user@example.net'] })
    .transform(toAddress)

import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { type EventType, eventTypeNames, isEventType } from '../messages/event-types.ts'

function toTypes(text: string, context: z.RefinementCtx): EventType[] {
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.filter((name) => !isEventType(name))
  if (wrong.length > 0) {
    const shown = wrong.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 100)))
    context.addIssue({
      code: 'custom',
      message: `has no type ${shown.join(', ')}; there are ${eventTypeNames.join(', ')}`,
    })
  }
  return names.filter(isEventType)
}

const toConnection = field.toUuid('con')

const filters = {
  types: z
    .string()
    .max(2_000)
    .meta({
      description: 'Only events of these types, separated by commas.',
      examples: ['recipient.delivered,recipient.bounced'],
    })
    .transform(toTypes)
    .optional(),
  message: field.givenId('msg', 'Only events of this message.').optional(),
  connection: field
    .id('con', 'Only events of this connection; `pool`: of the shared pool.')
    .transform((text, context) => (text === 'pool' ? text : toConnection(text, context)))
    .optional(),
}

const cursor = z
  .string()
  .min(1)
  .meta({
    description:
      'The `next_cursor` of the answer before. `beginning`: from the oldest event that is kept. `now`, or absent: from now on.',
    examples: ['beginning'],
  })
  .optional()

/** Query of GET /v1/events. */
export const FeedQuery = z.strictObject({
  cursor,
  ...filters,
  wait: z.coerce.number().min(0).max(60).default(0).meta({
    description: 'Seconds to wait for the next event before the answer, if there is none yet.',
  }),
  limit: field.queryInt('Length of a page.', { max: 200, usual: 100 }),
})
export type FeedQuery = z.output<typeof FeedQuery>

/** Query of GET /v1/events/stream. */
export const FeedStreamQuery = z.strictObject({ cursor, ...filters })
export type FeedStreamQuery = z.output<typeof FeedStreamQuery>

import { z } from 'zod'

/** What a route does, as it is stored. */
export const StoredAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('post'), url: z.string(), format: z.enum(['standard', 'mailgun']) }),
  z.object({ type: z.literal('store'), mailbox_id: z.string() }),
  z.object({ type: z.literal('forward'), to: z.array(z.string()) }),
  z.object({ type: z.literal('drop') }),
])
export type StoredAction = z.output<typeof StoredAction>
export const StoredActions = z.array(StoredAction)

/** What became of a mail, as it is stored. Calls to a URL are rows of their own, found by `seq`. */
export const DoneAction = z.object({
  type: z.enum(['post', 'store', 'forward', 'drop', 'bounce', 'reply']),
  state: z.enum(['done', 'failed', 'called']),
  detail: z.string().nullable(),
  message_id: z.string().nullable(),
  seq: z.number().nullable(),
  format: z.enum(['standard', 'mailgun']).optional(),
})
export type DoneAction = z.output<typeof DoneAction>
export const DoneActions = z.array(DoneAction)

export const doneAction = (
  type: DoneAction['type'],
  rest: Partial<Omit<DoneAction, 'type'>> = {},
): DoneAction => ({ type, state: 'done', detail: null, message_id: null, seq: null, ...rest })

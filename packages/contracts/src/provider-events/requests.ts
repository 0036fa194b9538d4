import { z } from 'zod'

export const RegisterEventsRequest = z
  .strictObject({
    manual: z.boolean().default(false).meta({
      description:
        'True: nothing is done at the provider. The answer has the URL and the steps for a person who registers it there.',
    }),
    secrets: z
      .record(z.string(), z.unknown())
      .meta({
        description:
          'The values that verify the events, after a person registered the URL. The guide names them for each provider. ' +
          'They are encrypted when stored and never shown again. With this, nothing is done at the provider.',
        examples: [{ signing_key: '…' }],
      })
      .optional(),
  })
  .meta({ id: 'RegisterEventsRequest', description: '{} registers the URL at the provider.' })
export type RegisterEventsRequest = z.output<typeof RegisterEventsRequest>

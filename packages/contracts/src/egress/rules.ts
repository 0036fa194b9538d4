import { z } from 'zod'

const PROTOCOLS = ['https', 'http', 'smtp', 'smtp-plain'] as const

/** One rule of what a plan or a tenant may reach. */
export const EgressRule = z
  .strictObject({
    protocols: z.array(z.enum(PROTOCOLS)).min(1).max(PROTOCOLS.length).meta({
      description:
        '`https`; `smtp`: encrypted; `http` and `smtp-plain`: not encrypted, only where the operator names the port.',
    }),
    hosts: z.array(z.string().min(1).max(253)).min(1).max(200).meta({
      description:
        'Host names; `*.suffix` is any name below it, `*` elsewhere one whole label; addresses and networks; `@providers`: the API hosts of the providers of this gateway.',
    }),
    ports: z
      .array(z.int().min(1).max(65_535))
      .min(1)
      .max(50)
      .meta({ description: 'Ports. Left out: those that are usual for the protocols.' })
      .optional(),
  })
  .meta({ id: 'EgressRule', description: 'Targets that may be reached.' })
export type EgressRule = z.output<typeof EgressRule>

/** As they are stored: a list, or a single rule. */
export const EgressRules = z.union([
  z.array(EgressRule).max(25),
  EgressRule.transform((rule): EgressRule[] => [rule]),
])
export type EgressRules = z.output<typeof EgressRules>

import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { EgressRule } from './rules.ts'

const Rules = z.array(EgressRule)

export const EgressInfo = z
  .object({
    plan: field.text('Your plan.'),
    rules: Rules.nullable().meta({
      description: 'Targets that the plan permits; null: the public internet, on the ports that are usual.',
    }),
    extra: Rules.meta({ description: 'Targets that the operator added for you alone.' }),
    provider_hosts: field.texts('The hosts that `@providers` stands for, on port 443.'),
    usual_ports: z
      .record(z.string(), z.array(z.int()))
      .meta({ description: 'The ports of each protocol where a rule names none.' }),
  })
  .meta({ id: 'EgressInfo', description: 'The targets that the gateway connects to for you.' })
export type EgressInfo = z.output<typeof EgressInfo>

export const TryEgressRequest = z
  .strictObject({
    host: z.string().min(1).max(253).meta({ description: 'A name or an address.' }),
    port: z.int().min(1).max(65_535).meta({ description: 'A port.' }),
    protocol: z
      .enum(['https', 'http', 'smtp', 'smtp-plain'])
      .meta({ description: 'Left out: any.' })
      .optional(),
  })
  .meta({ id: 'TryEgressRequest', description: 'A target to ask about.' })
export type TryEgressRequest = z.output<typeof TryEgressRequest>

export const EgressVerdict = z
  .object({
    allowed: field.flag('Whether a connection of yours may lead there now.'),
    rule: field.text(
      'The rule that decided: `operator-list`, `public-internet`, `plan/0` (the first rule of the plan), `tenant/0`; or a refusal by `host-form`, `special-addresses`, `own-host` (this gateway itself), `usual-ports`, `plan`; `unresolved`: the name has no address, so each connection decides.',
    ),
    reason: field.maybeText('Why it is refused, and what to do.'),
  })
  .meta({ id: 'EgressVerdict', description: 'Whether a target may be reached.' })
export type EgressVerdict = z.output<typeof EgressVerdict>

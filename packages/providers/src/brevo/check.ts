import { z } from 'zod'
import { problemReport } from '../lib/account-problem.ts'
import { inquire } from '../lib/call-api.ts'
import type { AccountReport, Io } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'

const relayOffAdvice = 'Ask Brevo to activate transactional email for this account.'

// https://developers.brevo.com/reference/get-account
const account = z.object({
  relay: z.object({ enabled: z.boolean() }).optional(),
  plan: z.array(z.object({ type: z.string(), creditsType: z.string(), credits: z.number() }).partial()),
})

/** Asks Brevo whether the account may send transactional mail, and what is left of its plan. */
export function checkBrevo(connection: Connection, io: Io): Promise<AccountReport> {
  return inquire(io, accountOf(connection), '/account', account, toReport)
}

function toReport({ relay, plan }: z.output<typeof account>): AccountReport {
  if (relay?.enabled === false)
    return problemReport('provider-account-suspended', 'transactional email is not enabled', [relayOffAdvice])
  const left = plan.filter(({ type, creditsType }) => type !== 'sms' && creditsType === 'sendLimit')
  return {
    problem: null,
    notes: left.flatMap(({ type = 'unnamed', credits }) =>
      credits === undefined ? [] : [`The ${type} plan has ${credits} sends left.`],
    ),
  }
}

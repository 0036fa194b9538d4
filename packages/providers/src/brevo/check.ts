import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import { inquire, problemReport } from '../lib/http-check.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import type { BrevoCredentials } from './types.ts'

const relayOffAdvice = 'Ask Brevo to activate transactional email for this account.'

// https://developers.brevo.com/reference/get-account
const account = z.object({
  relay: z.object({ enabled: z.boolean() }).optional(),
  plan: z.array(z.object({ type: z.string(), creditsType: z.string(), credits: z.number() }).partial()),
})

/** Asks Brevo whether the account may send transactional mail, and what is left of its plan. */
export async function checkBrevo(
  credentials: BrevoCredentials,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const headers = { 'api-key': credentials.api_key.reveal(), Accept: 'application/json' }
  const request = { method: 'GET', url: `${endpoint}/account`, headers } as const
  return inquire(io, request, { rules, toProviderError, toReport })
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = account.safeParse(parseAnswer(response.body))
  if (!data) return problemReport('provider-settings-wrong', 'the answer is not one of Brevo')
  if (data.relay?.enabled === false)
    return problemReport('provider-account-suspended', 'transactional email is not enabled', [relayOffAdvice])
  const left = data.plan.filter(({ type, creditsType }) => type !== 'sms' && creditsType === 'sendLimit')
  return {
    problem: null,
    notes: left.flatMap(({ type = 'unnamed', credits }) =>
      credits === undefined ? [] : [`The ${type} plan has ${credits} sends left.`],
    ),
  }
}

import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import type { FailureCode } from '../lib/failures.ts'
import { inquire, problemReport, withAdvice } from '../lib/http-check.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import type { SendgridCredentials } from './types.ts'

const advice: Partial<Record<FailureCode, string>> = {
  'provider-credentials-refused':
    'The key of an EU subuser is only known in region eu, and any other key only in region us: compare the region in the settings.',
  'provider-quota-used-up': 'Wait until the plan’s period begins anew, or move to a larger plan.',
}

// https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access
const answer = z.object({ scopes: z.array(z.string()) })

/** Asks what the key may do, which every key may ask. To a key that may only send, SendGrid reports nothing else. */
export async function checkSendgrid(
  credentials: SendgridCredentials,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const headers = {
    Authorization: `Bearer ${credentials.api_key.reveal()}`,
    Accept: 'application/json',
    'User-Agent': 'Lettergate',
  }
  const request = { method: 'GET', url: `${endpoint}/v3/scopes`, headers } as const
  return withAdvice(await inquire(io, request, { rules, toProviderError, toReport }), advice)
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = answer.safeParse(parseAnswer(response.body))
  if (!data) return problemReport('provider-settings-wrong', 'the answer is not one of SendGrid')
  if (!data.scopes.includes('mail.send'))
    return problemReport('provider-permission-missing', 'the key lacks the scope mail.send')
  return {
    problem: null,
    notes: ['SendGrid does not tell with this key which senders are verified or how much may be sent.'],
  }
}

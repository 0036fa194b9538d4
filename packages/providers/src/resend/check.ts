import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import { inquire, problemReport } from '../lib/http-check.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import type { ResendCredentials } from './types.ts'

const identitiesMax = 100

// https://resend.com/docs/api-reference/domains/list-domains
const domains = z.object({ data: z.array(z.object({ name: z.string(), status: z.string() })) })

/** Lists the account's domains. A key that may only send proves itself by the refusal that says so. */
export async function checkResend(
  credentials: ResendCredentials,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const headers = { Authorization: `Bearer ${credentials.api_key.reveal()}`, 'User-Agent': 'Lettergate' }
  const request = { method: 'GET', url: `${endpoint}/domains`, headers } as const
  const report = await inquire(io, request, { rules, toProviderError, toReport })
  return report.problem?.code === 'provider-permission-missing'
    ? { problem: null, notes: ['The key may only send, so its domains cannot be listed.'] }
    : report
}

function toReport(response: HttpResponse): AccountReport {
  const { data: list } = domains.safeParse(parseAnswer(response.body))
  if (!list) return problemReport('provider-settings-wrong', 'the answer is not one of Resend')
  const verified = list.data.filter(({ status }) => status === 'verified').map(({ name }) => name)
  return {
    problem: null,
    identities: verified.slice(0, identitiesMax),
    notes: verified.length === 0 ? ['No domain of the account is verified: nothing can be sent yet.'] : [],
  }
}

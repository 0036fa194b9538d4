import { z } from 'zod'
import { parseAnswer, toLine } from '../lib/answer.ts'
import type { FailureCode } from '../lib/failures.ts'
import { inquire, problemReport, withAdvice } from '../lib/http-check.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import type { SparkpostCredentials } from './types.ts'

const advice: Partial<Record<FailureCode, string>> = {
  'provider-credentials-refused':
    'Accounts and keys of one region, us or eu, are not known in the other: compare the region in the settings.',
}

const usage = z.object({ used: z.number(), limit: z.number() })

// https://developers.sparkpost.com/api/account/#account-get-retrieve-account-information
const account = z.object({
  status: z.string().optional(),
  status_reason_category: z.string().optional(),
  usage: z.object({ day: usage, month: usage }).partial().optional().catch(undefined),
})

/** Asks SparkPost about the account. A key that may only send proves itself by the refusal that says so. */
export async function checkSparkpost(
  credentials: SparkpostCredentials,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const headers = { Authorization: credentials.api_key.reveal(), 'User-Agent': 'Lettergate' }
  const url = `${endpoint}/api/v1/account?include=usage`
  const report = await inquire(io, { method: 'GET', url, headers }, { rules, toProviderError, toReport })
  return report.problem?.code === 'provider-permission-missing'
    ? { problem: null, notes: ['The key may not read the account, so limits and state are not known.'] }
    : withAdvice(report, advice)
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = account.safeParse(parseAnswer(response.body).results)
  if (!data) return problemReport('provider-settings-wrong', 'the answer is not one of SparkPost')
  const { status = 'active', status_reason_category: why, usage: { day, month } = {} } = data
  if (/suspended|terminated/i.test(status))
    return problemReport(
      'provider-account-suspended',
      `the account is ${toLine(status)} ${toLine(why)}`.trim(),
    )
  const isUsedUp = month !== undefined && month.limit > 0 && month.used >= month.limit
  return {
    problem: null,
    ...(day && { limits: { perDay: day.limit, usedToday: day.used } }),
    notes: [
      ...(status === 'active' ? [] : [`The account is ${toLine(status)}.`]),
      ...(isUsedUp ? [`The month’s ${month.limit} messages are used up: raise the plan at SparkPost.`] : []),
    ],
  }
}

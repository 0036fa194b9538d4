import { z } from 'zod'
import { problemReport, withAdvice } from '../lib/account-problem.ts'
import { toLine } from '../lib/answer.ts'
import { inquire } from '../lib/call-api.ts'
import type { FailureCode } from '../lib/failures.ts'
import type { AccountReport, Io } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'

const advice: Partial<Record<FailureCode, string>> = {
  'provider-credentials-refused':
    'Accounts and keys of one region, us or eu, are not known in the other: compare the region in the settings.',
}

const usage = z.object({ used: z.number(), limit: z.number() })

// https://developers.sparkpost.com/api/account/#account-get-retrieve-account-information
const answer = z.object({
  results: z.object({
    status: z.string().optional(),
    status_reason_category: z.string().optional(),
    usage: z.object({ day: usage, month: usage }).partial().optional().catch(undefined),
  }),
})

/** Asks SparkPost about the account. A key that may only send proves itself by the refusal that says so. */
export async function checkSparkpost(connection: Connection, io: Io): Promise<AccountReport> {
  const report = await inquire(io, accountOf(connection), '/account?include=usage', answer, toReport)
  return report.problem?.code === 'provider-permission-missing'
    ? { problem: null, notes: ['The key may not read the account, so limits and state are not known.'] }
    : withAdvice(report, advice)
}

function toReport({ results }: z.output<typeof answer>): AccountReport {
  const { status = 'active', status_reason_category: why, usage: { day, month } = {} } = results
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

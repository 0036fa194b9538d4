import { z } from 'zod'
import { toLine } from '../lib/answer.ts'
import { inquire } from '../lib/call-api.ts'
import { openWithToken, toTokenReport } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { AccountReport, Io } from '../provider.ts'
import type { Connection } from './account.ts'
import { toLogin, userUrl } from './login.ts'
import { rules, toProviderError } from './outcome.ts'

const fromNote =
  'Gmail puts the account’s own address in place of a From that is neither it nor a verified alias of it.'

const profile = z.object({ emailAddress: z.string().transform(toLine).pipe(z.string().min(1)) })

const enableAdvice = 'Enable the Gmail API in the Google Cloud project of the client.'

/**
 * Reads the profile, which the scope gmail.send does not permit: then the refusal that says so proves the token.
 * https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile
 */
export async function checkGmail(connection: Connection, tokens: Tokens, io: Io): Promise<AccountReport> {
  const opened = await openWithToken(toLogin(connection, tokens), io)
  if ('failure' in opened) return toTokenReport(opened.failure)
  const account = { name: 'Gmail', rules, toProviderError, url: userUrl(connection.settings), headers: {} }
  const report = await inquire(opened.io, account, '/profile', profile, ({ emailAddress }) => ({
    problem: null,
    identities: [emailAddress],
    notes: [fromNote],
  }))
  const { problem } = report
  if (problem?.code !== 'provider-permission-missing') return report
  if (/insufficient/i.test(problem.reason)) {
    const note = 'The token may send but not read the profile, so it is only known that the token is good.'
    return { problem: null, notes: [note, fromNote] }
  }
  const isOff = /accessNotConfigured|SERVICE_DISABLED/.test(problem.reason)
  return isOff ? { ...report, problem: { ...problem, advice: [enableAdvice] } } : report
}

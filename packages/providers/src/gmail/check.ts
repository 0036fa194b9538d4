import { parseAnswer, toLine } from '../lib/answer.ts'
import { inquire, problemReport } from '../lib/http-check.ts'
import { openWithToken, toTokenReport } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { type Connection, toLogin, userUrl } from './login.ts'
import { rules, toProviderError } from './outcome.ts'

const fromNote =
  'Gmail puts the account’s own address in place of a From that is neither it nor a verified alias of it.'

const enableAdvice = 'Enable the Gmail API in the Google Cloud project of the client.'

/**
 * Reads the profile, which the scope gmail.send does not permit: then the refusal that says so proves the token.
 * https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile
 */
export async function checkGmail(connection: Connection, tokens: Tokens, io: Io): Promise<AccountReport> {
  const opened = await openWithToken(toLogin(connection, tokens), io)
  if ('failure' in opened) return toTokenReport(opened.failure)
  const request = { method: 'GET', url: `${userUrl(connection.settings)}/profile`, headers: {} } as const
  const report = await inquire(opened.io, request, { rules, toProviderError, toReport })
  const { problem } = report
  if (problem?.code !== 'provider-permission-missing') return report
  if (/insufficient/i.test(problem.reason)) {
    const note = 'The token may send but not read the profile, so it is only known that the token is good.'
    return { problem: null, notes: [note, fromNote] }
  }
  const isOff = /accessNotConfigured|SERVICE_DISABLED/.test(problem.reason)
  return isOff ? { ...report, problem: { ...problem, advice: [enableAdvice] } } : report
}

function toReport(response: HttpResponse): AccountReport {
  const address = toLine(parseAnswer(response.body).emailAddress)
  if (!address) return problemReport('provider-settings-wrong', 'the answer is not one of Gmail')
  return { problem: null, identities: [address], notes: [fromNote] }
}

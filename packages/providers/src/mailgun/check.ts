import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import type { FailureCode } from '../lib/failures.ts'
import { inquire, problemReport, withAdvice } from '../lib/http-check.ts'
import type { Rule } from '../lib/rules.ts'
import type { AccountReport, HttpResponse, Io, ProviderConnection } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import { toHeaders, toPost } from './post.ts'
import type { MailgunCredentials, MailgunSettings } from './types.ts'

type Connection = ProviderConnection<MailgunCredentials, MailgunSettings>

const sandboxNote =
  'The domain is a sandbox of Mailgun: it reaches authorized recipients only. Add a domain of your own, or the addresses in the account’s settings.'

const regionAdvice =
  'A domain and its sending keys are only known in the region that the domain was made in, us or eu: compare the region in the settings.'
// Which of the two answers a wrong region gets, Mailgun does not say.
const advice: Partial<Record<FailureCode, string>> = {
  'provider-credentials-refused': regionAdvice,
  'provider-settings-wrong': regionAdvice,
}

// https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains/get-v4-domains--name-
const answer = z.object({
  domain: z.object({
    name: z.string(),
    state: z.string().optional(),
    type: z.string().optional(),
    is_disabled: z.boolean().optional(),
  }),
})

/** Asks for the state of the domain. A key that may only send gets no answer, and is tested in another way. */
export async function checkMailgun(connection: Connection, endpoint: string, io: Io): Promise<AccountReport> {
  return withAdvice(await askForDomain(connection, endpoint, io), advice)
}

async function askForDomain(connection: Connection, endpoint: string, io: Io): Promise<AccountReport> {
  const { credentials, settings } = connection
  const url = `${endpoint}/v4/domains/${settings.domain}`
  const request = { method: 'GET', url, headers: toHeaders(credentials) } as const
  const report = await inquire(io, request, { rules, toProviderError, toReport })
  const code = report.problem?.code
  return code === 'provider-credentials-refused' || code === 'provider-permission-missing'
    ? checkSendingKey(connection, endpoint, io)
    : report
}

const probeRules: Rule[] = [
  ...rules.filter(({ is }) => is !== 'message-refused' && is !== 'refusal-unrecognised'),
  { is: 'recipient-refused' },
]

/** A post without recipients and without a message, in test mode besides: what is refused in it is that, or the key. */
async function checkSendingKey(connection: Connection, endpoint: string, io: Io): Promise<AccountReport> {
  const request = toPost(connection, endpoint, 'lettergate-check', [['o:testmode', 'yes']])
  const report = await inquire(io, request, { rules: probeRules, toProviderError, toReport: toOddReport })
  return report.problem?.code === 'recipient-refused'
    ? { problem: null, notes: ['The key may only send, so the state of the domain is not known.'] }
    : report
}

function toOddReport(): AccountReport {
  return problemReport('provider-settings-wrong', 'the answer is not one of Mailgun')
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = answer.safeParse(parseAnswer(response.body))
  if (!data) return toOddReport()
  const { name, state, type, is_disabled } = data.domain
  if (is_disabled || state === 'disabled')
    return problemReport('provider-account-suspended', `the domain ${name} is disabled`)
  if (state === 'unverified')
    return problemReport('provider-sender-refused', `the domain ${name} is not verified`, [
      'Set the DNS records that Mailgun shows for the domain.',
    ])
  const sandbox = type === 'sandbox'
  return { problem: null, sandbox, identities: [name], notes: sandbox ? [sandboxNote] : [] }
}

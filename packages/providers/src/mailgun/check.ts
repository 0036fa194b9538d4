import { z } from 'zod'
import { problemReport, withAdvice } from '../lib/account-problem.ts'
import { inquire, reportOn, requestApi } from '../lib/call-api.ts'
import type { FailureCode } from '../lib/failures.ts'
import type { Rule } from '../lib/rules.ts'
import type { AccountReport, Io } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'
import { rules } from './outcome.ts'
import { toPost } from './post.ts'

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
export async function checkMailgun(connection: Connection, io: Io): Promise<AccountReport> {
  return withAdvice(await askForDomain(connection, io), advice)
}

async function askForDomain(connection: Connection, io: Io): Promise<AccountReport> {
  const path = `/v4/domains/${connection.settings.domain}`
  const report = await inquire(io, accountOf(connection), path, answer, toReport)
  const code = report.problem?.code
  return code === 'provider-credentials-refused' || code === 'provider-permission-missing'
    ? checkSendingKey(connection, io)
    : report
}

const probeRules: Rule[] = [
  ...rules.filter(({ is }) => is !== 'message-refused' && is !== 'refusal-unrecognised'),
  { is: 'recipient-refused' },
]

/** A post without recipients and without a message, in test mode besides: what is refused in it is that, or the key. */
async function checkSendingKey(connection: Connection, io: Io): Promise<AccountReport> {
  const account = { ...accountOf(connection), rules: probeRules }
  const request = toPost(connection, 'lettergate-check', [['o:testmode', 'yes']])
  // No success is an answer to it.
  const report = reportOn(await requestApi(io, account, request, z.never()), (none) => none)
  return report.problem?.code === 'recipient-refused'
    ? { problem: null, notes: ['The key may only send, so the state of the domain is not known.'] }
    : report
}

function toReport({ domain: { name, state, type, is_disabled } }: z.output<typeof answer>): AccountReport {
  if (is_disabled || state === 'disabled')
    return problemReport('provider-account-suspended', `the domain ${name} is disabled`)
  if (state === 'unverified')
    return problemReport('provider-sender-refused', `the domain ${name} is not verified`, [
      'Set the DNS records that Mailgun shows for the domain.',
    ])
  const sandbox = type === 'sandbox'
  return { problem: null, sandbox, identities: [name], notes: sandbox ? [sandboxNote] : [] }
}

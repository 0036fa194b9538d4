import { hash } from 'node:crypto'
import { z } from 'zod'
import { parseAnswer } from '../answer.ts'
import { faulty, inquire } from '../http-check.ts'
import type {
  AccountLimits,
  AccountReport,
  HttpRequest,
  HttpResponse,
  Io,
  ProviderConnection,
} from '../provider.ts'
import type { SesCredentials, SesSettings } from './index.ts'
import { rules, toFault } from './outcome.ts'
import { signedHeaders } from './sign.ts'

const accountPath = '/v2/email/account'
const identitiesPath = '/v2/email/identities'
const identitiesMax = 100

const sandboxNote =
  'The account is in the SES sandbox: it reaches verified addresses only, 200 a day. Ask AWS for production access in this region.'

const unreadNote =
  'The key is good but may not read the account, so its quota, the sandbox and whether sending is on are not known. Add the permission ' +
  'ses:GetAccount to its user.'

const unlistedNote =
  'The key may not list identities, so it is not known which are verified. Add the permission ses:ListEmailIdentities to its user.'

const unansweredNote = 'Which identities are verified is not known: SES did not answer that readably.'

const nothingVerifiedNote =
  'No address or domain of the account is verified in this region: nothing can be sent yet.'

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
const quota = z.object({
  Max24HourSend: z.number(),
  MaxSendRate: z.number(),
  SentLast24Hours: z.number().optional(),
})
type Quota = z.output<typeof quota>

const account = z.object({
  ProductionAccessEnabled: z.boolean().optional(),
  SendingEnabled: z.boolean().optional(),
  EnforcementStatus: z.string().optional(),
  // One of which half is missing limits nothing, which is something else than no limit.
  SendQuota: quota.optional().catch(undefined),
})

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html, as it is documented; newer
// SDKs post to /v2/email/list-identities instead.
const identityList = z.object({
  EmailIdentities: z.array(
    z.object({
      IdentityName: z.string(),
      SendingEnabled: z.boolean().optional(),
      VerificationStatus: z.string().optional(),
    }),
  ),
  NextToken: z.string().nullish(),
})

type Connection = ProviderConnection<SesCredentials, SesSettings>

/**
 * Asks SES what the account may send in this region. A key that may only send proves itself by the refusal that says so: AWS looks at
 * permissions after the signature. Which identities are verified is told on top, as far as SES tells: not to know it is no fault.
 */
export async function checkSes(connection: Connection, endpoint: string, io: Io): Promise<AccountReport> {
  const request = toRequest(connection, new URL(endpoint + accountPath), io)
  const asked = await inquire(io, request, { rules, toFault, toReport })
  const report = isAboutReading(asked.fault) ? { fault: null, notes: [unreadNote] } : asked
  if (report.fault) return report
  const { identities, notes } = await listIdentities(connection, endpoint, io)
  return { ...report, ...(identities && { identities }), notes: [...report.notes, ...notes] }
}

/** Takes half of the time that is left, so that what is known already is told in any case. */
async function listIdentities(connection: Connection, endpoint: string, io: Io): Promise<AccountReport> {
  const url = new URL(`${endpoint}${identitiesPath}?PageSize=${identitiesMax}`)
  const timeoutMs = Math.max(1, Math.floor(io.msLeft() / 2))
  const request = { ...toRequest(connection, url, io), timeoutMs }
  const report = await inquire(io, request, { rules, toFault, toReport: toIdentities })
  if (!report.fault) return report
  const isDenied = report.fault.code === 'provider-permission-missing'
  return { fault: null, notes: [isDenied ? unlistedNote : unansweredNote] }
}

function toRequest({ credentials, settings }: Connection, url: URL, io: Io): HttpRequest {
  const { host, pathname: path, search } = url
  const request = { method: 'GET', host, path, query: search.slice(1), bodyHash: hash('sha256', '') } as const
  const headers = signedHeaders({ ...request, region: settings.region }, credentials, io.now())
  return { method: 'GET', url: url.href, headers }
}

function toIdentities(response: HttpResponse): AccountReport {
  const { data } = identityList.safeParse(parseAnswer(response.body))
  if (!data) return { fault: null, notes: [unansweredNote] }
  const identities = data.EmailIdentities.filter(
    ({ SendingEnabled, VerificationStatus }) => SendingEnabled ?? VerificationStatus === 'SUCCESS',
  ).map(({ IdentityName }) => IdentityName)
  // Further pages may hold some.
  const isNone = identities.length === 0 && !data.NextToken
  return {
    fault: null,
    identities: identities.slice(0, identitiesMax),
    notes: isNone ? [nothingVerifiedNote] : [],
  }
}

/** Other refusals of the same class are about more than reading: the account has no SES, or something before it said no. */
function isAboutReading(fault: AccountReport['fault']): boolean {
  return fault?.code === 'provider-permission-missing' && /\bses:GetAccount\b/.test(fault.reason)
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = account.safeParse(parseAnswer(response.body))
  if (data?.SendingEnabled === undefined)
    return faulty('provider-settings-wrong', 'the answer is not one of SES')
  if (!data.SendingEnabled || data.EnforcementStatus === 'SHUTDOWN')
    return faulty('provider-account-suspended', `sending is off (${data.EnforcementStatus ?? 'disabled'})`)
  const sandbox = data.ProductionAccessEnabled === false
  const onProbation = data.EnforcementStatus === 'PROBATION'
  return {
    fault: null,
    sandbox,
    ...(data.SendQuota && { limits: toLimits(data.SendQuota) }),
    notes: [...(sandbox ? [sandboxNote] : []), ...(onProbation ? ['AWS reviews this account.'] : [])],
  }
}

function toLimits({ Max24HourSend: perDay, MaxSendRate, SentLast24Hours }: Quota): AccountLimits {
  // -1 stands for no limit.
  return { perSecond: MaxSendRate, perDay: perDay === -1 ? undefined : perDay, usedToday: SentLast24Hours }
}

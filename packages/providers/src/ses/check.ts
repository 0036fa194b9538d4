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

const sandboxNote =
  'The account is in the SES sandbox: it reaches verified addresses only, 200 a day. Ask AWS for production access in this region.'

const unreadNote =
  'The key is good but may not read the account, so its quota, the sandbox and whether sending is on are not known. Add the permission ' +
  'ses:GetAccount to its user.'

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

/**
 * Asks SES what the account may send in this region. A key that may only send proves itself by the refusal that says so: AWS looks at
 * permissions after the signature.
 */
export async function checkSes(
  { credentials, settings }: ProviderConnection<SesCredentials, SesSettings>,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const { host, pathname: path, href: url } = new URL(endpoint + accountPath)
  const request = { method: 'GET', host, path, body: '', region: settings.region } as const
  const headers = signedHeaders(request, credentials, io.now())
  const exchange: HttpRequest = { method: 'GET', url, headers }
  const report = await inquire(io, exchange, { rules, toFault, toReport })
  return isAboutReading(report.fault) ? { fault: null, notes: [unreadNote] } : report
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

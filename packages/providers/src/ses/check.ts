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

/** Asks SES what the account may send in this region; the key needs ses:GetAccount for that. */
export function checkSes(
  { credentials, settings }: ProviderConnection<SesCredentials, SesSettings>,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const { host, pathname: path, href: url } = new URL(endpoint + accountPath)
  const request = { method: 'GET', host, path, body: '', region: settings.region } as const
  const headers = signedHeaders(request, credentials, io.now())
  const exchange: HttpRequest = { method: 'GET', url, headers }
  return inquire(io, exchange, { rules, toFault, toReport })
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

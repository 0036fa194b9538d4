import type {
  GetAccountCommandOutput,
  ListEmailIdentitiesCommandOutput,
  SESv2Client,
} from '@aws-sdk/client-sesv2'
import type { AwsCredentialIdentity } from '@smithy/types'
import { z } from 'zod'
import { problemReport, toRefusedFault, unreachableFault } from '../lib/account-problem.ts'
import { isNetworkFailure } from '../lib/http.ts'
import type { AccountLimits, AccountReport, Io } from '../provider.ts'
import type { SesConnection } from './account.ts'
import { sesEndpoint } from './endpoint.ts'
import type { Identities } from './identity.ts'
import { rules, toProviderError } from './outcome.ts'
import { clientOptions, createSdkTransport } from './sdk-transport.ts'

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

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListEmailIdentities.html
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

type Ask<Output> = {
  run(client: SESv2Client): Promise<Output>
  toReport(output: Output): AccountReport
  timeoutMs?: number
}

/**
 * Asks SES what the account may send in this region. A key that may only send proves itself by the refusal that says so: AWS looks at
 * permissions after the signature. Verified identities are added where SES lists them; their absence is not an error.
 */
export async function checkSes(
  connection: SesConnection,
  identities: Identities,
  io: Io,
): Promise<AccountReport> {
  const { GetAccountCommand, ListEmailIdentitiesCommand } = await import('@aws-sdk/client-sesv2')
  const identity = await identities.of(connection, io)
  if (identity.kind === 'failed') return problemReport(identity.code, identity.reason)
  const ask = <Output>(question: Ask<Output>) => askSes(connection, identity.keys, io, question)

  const asked = await ask({
    run: (client) => client.send(new GetAccountCommand()),
    toReport,
  })
  const report = isAboutReading(asked.problem) ? { problem: null, notes: [unreadNote] } : asked
  if (report.problem) return report
  const listed = await ask({
    run: (client) => client.send(new ListEmailIdentitiesCommand({ PageSize: identitiesMax })),
    toReport: toIdentities,
    // Half of the time that is left, so that the report of the account is answered in any case.
    timeoutMs: Math.max(1, Math.floor(io.msLeft() / 2)),
  })
  const isDenied = listed.problem?.code === 'provider-permission-missing'
  const notes = listed.problem ? [isDenied ? unlistedNote : unansweredNote] : listed.notes
  return {
    ...report,
    ...(listed.identities && { identities: listed.identities }),
    notes: [...report.notes, ...notes],
  }
}

/** Sends one command of the SDK over `io`, once; a refusal is judged by the table for messages. */
async function askSes<Output>(
  { settings }: SesConnection,
  credentials: AwsCredentialIdentity,
  io: Io,
  { run, toReport, timeoutMs }: Ask<Output>,
): Promise<AccountReport> {
  const { SESv2Client } = await import('@aws-sdk/client-sesv2')
  const transport = createSdkTransport(io, timeoutMs)
  const client = new SESv2Client({
    ...clientOptions(io, settings.region, transport),
    // Multi-region endpoints take messages only; the account is asked in its own region.
    endpoint: sesEndpoint({ ...settings, endpoint_id: undefined }),
    credentials,
  })
  try {
    return toReport(await run(client))
  } catch (error) {
    if (isNetworkFailure(error)) return { problem: unreachableFault(error), notes: [] }
    const answer = transport.answer()
    if (!answer) throw error
    return answer.status >= 200 && answer.status < 300
      ? problemReport('provider-settings-wrong', 'the answer is not one of SES')
      : { problem: toRefusedFault(rules, toProviderError(answer)), notes: [] }
  } finally {
    client.destroy()
  }
}

function toIdentities(output: ListEmailIdentitiesCommandOutput): AccountReport {
  const { data } = identityList.safeParse(output)
  if (!data) return { problem: null, notes: [unansweredNote] }
  const identities = data.EmailIdentities.filter(
    ({ SendingEnabled, VerificationStatus }) => SendingEnabled ?? VerificationStatus === 'SUCCESS',
  ).map(({ IdentityName }) => IdentityName)
  // Further pages may hold some.
  const isNone = identities.length === 0 && !data.NextToken
  return {
    problem: null,
    identities: identities.slice(0, identitiesMax),
    notes: isNone ? [nothingVerifiedNote] : [],
  }
}

/** Other refusals of the same class are about more than reading: the account has no SES, or a policy before it refused the request. */
function isAboutReading(problem: AccountReport['problem']): boolean {
  return problem?.code === 'provider-permission-missing' && /\bses:GetAccount\b/.test(problem.reason)
}

function toReport(output: GetAccountCommandOutput): AccountReport {
  const { data } = account.safeParse(output)
  if (data?.SendingEnabled === undefined)
    return problemReport('provider-settings-wrong', 'the answer is not one of SES')
  if (!data.SendingEnabled || data.EnforcementStatus === 'SHUTDOWN')
    return problemReport(
      'provider-account-suspended',
      `sending is off (${data.EnforcementStatus ?? 'disabled'})`,
    )
  const sandbox = data.ProductionAccessEnabled === false
  const onProbation = data.EnforcementStatus === 'PROBATION'
  return {
    problem: null,
    sandbox,
    ...(data.SendQuota && { limits: toLimits(data.SendQuota) }),
    notes: [...(sandbox ? [sandboxNote] : []), ...(onProbation ? ['AWS reviews this account.'] : [])],
  }
}

function toLimits({ Max24HourSend: perDay, MaxSendRate, SentLast24Hours }: Quota): AccountLimits {
  // -1 means no limit.
  return { perSecond: MaxSendRate, perDay: perDay === -1 ? undefined : perDay, usedToday: SentLast24Hours }
}

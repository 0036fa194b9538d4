import { z } from 'zod'
import { inquire } from '../lib/call-api.ts'
import type { AccountReport, Io } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'

const identitiesMax = 100

// https://resend.com/docs/api-reference/domains/list-domains
const domains = z.object({ data: z.array(z.object({ name: z.string(), status: z.string() })) })

/** Lists the account's domains. A key that may only send proves itself by the refusal that says so. */
export async function checkResend(connection: Connection, io: Io): Promise<AccountReport> {
  const report = await inquire(io, accountOf(connection), '/domains', domains, toReport)
  return report.problem?.code === 'provider-permission-missing'
    ? { problem: null, notes: ['The key may only send, so its domains cannot be listed.'] }
    : report
}

function toReport({ data }: z.output<typeof domains>): AccountReport {
  const verified = data.filter(({ status }) => status === 'verified').map(({ name }) => name)
  return {
    problem: null,
    identities: verified.slice(0, identitiesMax),
    notes: verified.length === 0 ? ['No domain of the account is verified: nothing can be sent yet.'] : [],
  }
}

import { z } from 'zod'
import { problemReport, withAdvice } from '../lib/account-problem.ts'
import { inquire } from '../lib/call-api.ts'
import type { FailureCode } from '../lib/failures.ts'
import type { AccountReport, Io } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'

const advice: Partial<Record<FailureCode, string>> = {
  'provider-credentials-refused':
    'The key of an EU subuser is only known in region eu, and any other key only in region us: compare the region in the settings.',
  'provider-quota-used-up': 'Wait until the plan’s period begins anew, or move to a larger plan.',
}

// https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access
const answer = z.object({ scopes: z.array(z.string()) })

/** Asks what the key may do, which every key may ask. To a key that may only send, SendGrid reports nothing else. */
export async function checkSendgrid(connection: Connection, io: Io): Promise<AccountReport> {
  return withAdvice(await inquire(io, accountOf(connection), '/v3/scopes', answer, toReport), advice)
}

function toReport({ scopes }: z.output<typeof answer>): AccountReport {
  if (!scopes.includes('mail.send'))
    return problemReport('provider-permission-missing', 'the key lacks the scope mail.send')
  return {
    problem: null,
    notes: ['SendGrid does not tell with this key which senders are verified or how much may be sent.'],
  }
}

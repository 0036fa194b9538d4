import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import { inquire, problemReport } from '../lib/http-check.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import { apiPath } from './send.ts'
import type { MandrillCredentials } from './types.ts'

// https://mailchimp.com/developer/transactional/api/users/
const user = z.object({
  username: z.string(),
  reputation: z.number().optional(),
  hourly_quota: z.number().optional(),
  backlog: z.number().optional(),
  stats: z
    .object({ today: z.object({ sent: z.number() }).partial() })
    .partial()
    .optional(),
})

/** Asks Mandrill whose key this is, and how much the account may send. */
export function checkMandrill(
  credentials: MandrillCredentials,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const request = {
    method: 'POST',
    url: `${endpoint}${apiPath}/users/info`,
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'Lettergate' },
    body: JSON.stringify({ key: credentials.api_key.reveal() }),
  } as const
  return inquire(io, request, { rules, toProviderError, toReport })
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = user.safeParse(parseAnswer(response.body))
  if (!data) return problemReport('provider-settings-wrong', 'the answer is not one of Mandrill')
  const { hourly_quota: quota, reputation, backlog = 0, stats } = data
  return {
    problem: null,
    limits: { usedToday: stats?.today?.sent },
    notes: [
      ...(quota === undefined
        ? []
        : [
            `Mandrill sends ${quota} messages an hour (reputation ${reputation ?? 'unknown'}); more wait there.`,
          ]),
      ...(backlog > 0 ? [`${backlog} messages wait in the backlog of the account.`] : []),
    ],
  }
}

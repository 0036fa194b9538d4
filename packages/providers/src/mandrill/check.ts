import { z } from 'zod'
import { reportOn } from '../lib/call-api.ts'
import type { AccountReport, Io } from '../provider.ts'
import { type Connection, callMandrill } from './account.ts'

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
export async function checkMandrill(connection: Connection, io: Io): Promise<AccountReport> {
  return reportOn(await callMandrill(connection, '/users/info', {}, user, io), toReport)
}

function toReport({
  hourly_quota: quota,
  reputation,
  backlog = 0,
  stats,
}: z.output<typeof user>): AccountReport {
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

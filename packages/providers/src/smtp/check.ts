import { faulty } from '../http-check.ts'
import type { AccountReport, Io } from '../provider.ts'
import { openSession } from './open-session.ts'
import { toOutcome } from './outcome.ts'
import type { SmtpCredentials, SmtpSettings } from './settings.ts'

/** Connects, encrypts, logs in and says goodbye. */
export async function checkSmtp(
  credentials: SmtpCredentials,
  settings: SmtpSettings,
  io: Io,
): Promise<AccountReport> {
  const opened = await openSession(settings, credentials, io)
  if ('session' in opened) {
    await opened.session.close()
    return { fault: null, notes: [] }
  }
  const outcome = toOutcome(opened.failure, '')
  if (outcome.kind === 'accepted') return { fault: null, notes: [] }
  return faulty(outcome.code, outcome.reason)
}

import { problemReport } from '../lib/account-problem.ts'
import { adviceOn, type Tokens } from '../oauth2/tokens.ts'
import type { AccountReport, Io } from '../provider.ts'
import { adviceFor } from './advice.ts'
import { type Account, openSession } from './open-session.ts'
import { toOutcome } from './outcome.ts'
import { endpointOf } from './settings.ts'

/** Connects, encrypts, logs in and quits. */
export async function checkSmtp(account: Account, tokens: Tokens, io: Io): Promise<AccountReport> {
  const opened = await openSession(account, tokens, io)
  const endpoint = endpointOf(account.settings)
  if ('session' in opened) {
    await opened.session.close()
    return { problem: null, notes: notesOn(opened.session.greeting, endpoint.port) }
  }
  const outcome = toOutcome(opened.failure, '')
  if (outcome.kind === 'accepted') return { problem: null, notes: [] }
  const { code, reason } = outcome
  if (reason.startsWith('token host:')) return problemReport(code, reason, adviceOn({ code, reason }))
  const { preset } = account.settings
  const byToken = account.credentials.oauth2 !== undefined
  return problemReport(code, reason, adviceFor({ code, reason, ...endpoint, preset, byToken }))
}

function notesOn(greeting: string, port: number): string[] {
  const size = Number(/^250[ -]SIZE[ \t]+(\d+)/im.exec(greeting)?.[1] ?? 0)
  return [
    ...(size > 0
      ? [`The server takes messages of up to ${(size / 1_000_000).toFixed(1)} MB, as they are encoded.`]
      : []),
    ...(port === 25
      ? ['Port 25 is for mail between servers and blocked in many networks: use 587 or 465.']
      : []),
  ]
}

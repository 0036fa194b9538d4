import type { SmtpLogin } from '@lettergate/core/smtp-credentials'
import { reply } from '../session/reply.ts'
import type { SessionHandlers, SessionView } from '../session/session-options.ts'
import type { SmtpUser } from './authenticate.ts'
import { type SubmitMailDeps, submitMail } from './submit-mail.ts'

const revoked = { ...reply(421, '4.7.0', 'This login is not good any more. Log in again'), isLast: true }
const nobody = reply(530, '5.7.0', 'Log in first')

/** Takes mail from apps. `open` is the login of a port without AUTH. */
export function createSubmissionHandlers(
  deps: SubmitMailDeps & { authenticate: NonNullable<SessionHandlers<SmtpUser>['authenticate']> },
  open?: { login: SmtpLogin; mayConnect: NonNullable<SessionHandlers<SmtpUser>['mayConnect']> },
): SessionHandlers<SmtpUser> {
  const loginOf = ({ user }: SessionView<SmtpUser>): SmtpLogin | undefined => user?.login ?? open?.login
  return {
    ...(open ? { mayConnect: open.mayConnect } : { authenticate: deps.authenticate }),
    async sender(_address, view) {
      const login = loginOf(view)
      if (!login) return nobody
      return (await login.isGood()) ? null : revoked
    },
    // A suppressed recipient is no refusal: the message says so, as for a request.
    recipient: async () => null,
    async message({ mail }, view) {
      const login = loginOf(view)
      if (!login) return nobody
      return submitMail(deps, login, { mime: mail, envelope: view.envelope })
    },
    holder: (view) => loginOf(view)?.tenantId,
    left: ({ leave }) => leave(),
  }
}

import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { isNetworkFailure } from '../lib/http.ts'
import type { Phase, Transfer } from './outcome.ts'
import { cutReply } from './reply.ts'

export type SmtpError = SMTPConnection.SMTPError

const phases: Record<string, Phase> = { 'MAIL FROM': 'mail', 'RCPT TO': 'rcpt', DATA: 'data' }

// The server's certificate does not hold, or it speaks no TLS there: another try would find the same.
const hopelessTls = /CERT|SIGNED|ISSUER|ALTNAME|^ERR_(SSL|TLS)/

/** Why there is no socket. */
export function toConnectFailure(error: unknown): Transfer {
  if (!isNetworkFailure(error)) throw error
  if (error.refused) return { kind: 'misconfigured', code: 'provider-egress-refused', reason: error.reason }
  return { kind: 'lost', complete: false, reason: error.reason }
}

/** Why the server was not ready for a message. */
export function toOpenFailure(error: SmtpError): Transfer {
  const { code, originalCode, responseCode = 0, command } = error
  const response = cutReply(error.response ?? '')
  const message = cutReply(error.message)
  if (command === 'STARTTLS' && responseCode >= 500)
    return {
      kind: 'misconfigured',
      code: 'provider-tls-failed',
      reason: `the server offers no STARTTLS: ${response}`,
    }
  if (responseCode && response) return { kind: 'refused', phase: 'open', reply: response, refused: [] }
  const hopeless =
    code === 'EAUTH'
      ? 'provider-credentials-refused'
      : code === 'ENOAUTH'
        ? 'provider-settings-wrong'
        : hopelessTls.test(originalCode ?? '')
          ? 'provider-tls-failed'
          : null
  if (hopeless) return { kind: 'misconfigured', code: hopeless, reason: message }
  return { kind: 'lost', complete: false, reason: message }
}

/** Why a message was not taken; `complete`: the server may have it nevertheless. */
export function toTransferFailure(error: SmtpError, complete: boolean): Transfer {
  const { code, command = '', responseCode = 0 } = error
  const response = cutReply(error.response ?? '')
  const message = cutReply(error.message)
  const aboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE'
  if (aboutMessage && response && responseCode >= 400) {
    const refused = (error.rejectedErrors ?? []).map(toRecipientReply)
    return { kind: 'refused', phase: phases[command] ?? 'data', reply: response, refused }
  }
  // Refused by nodemailer itself before it wrote anything: larger than the server's announced SIZE.
  if (aboutMessage && !response)
    return { kind: 'refused', phase: 'data', reply: `552 5.3.4 ${message}`, refused: [] }
  return { kind: 'lost', complete, reason: message }
}

/** The server's reply for one recipient. */
export function toRecipientReply(error: SmtpError): { address: string; reply: string } {
  return { address: error.recipient ?? '', reply: cutReply(error.response ?? '') }
}

/** Why a login must not even be tried on this connection. */
export function loginObstacle(connection: SMTPConnection, insecurePermitted: boolean): SmtpError | null {
  const text = !connection.allowsAuth
    ? 'server offers no login'
    : !connection.secure && !insecurePermitted
      ? 'login refused by us: the connection is not encrypted'
      : null
  return text === null ? null : Object.assign(new Error(text), { code: 'ENOAUTH' })
}

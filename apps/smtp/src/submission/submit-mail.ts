import { permitsFrom } from '@lettergate/contracts/keys/from-domains'
import { toPublicId } from '@lettergate/contracts/lib/ids'
import { parseAddress } from '@lettergate/contracts/lib/mailbox'
import { Problem } from '@lettergate/contracts/problems/problems'
import type { MimeMessage, Submit, SubmitOutcome } from '@lettergate/core/accept'
import type { SmtpLogin } from '@lettergate/core/smtp-credentials'
import { readHead, valuesOf } from '@lettergate/providers/raw-mime/head'
import { addressParser } from 'postal-mime'
import { type Reply, reply } from '../session/reply.ts'
import { readControlFields } from './control-fields.ts'
import { problemReply } from './problem-reply.ts'
import { repeatOf } from './repeats.ts'

export type SubmitMailDeps = {
  submit: Submit
  now: () => number
  /** Of the pages of problems. */
  baseUrl: string
  onMail: (result: 'accepted' | 'replayed' | 'refused' | 'deferred') => void
}

type Mail = Pick<MimeMessage, 'mime' | 'envelope'>

/** More servers than that have seen the mail: it goes round in a circle. */
const RECEIVED_MAX = 50
const FROM_CHARS_MAX = 2_000

function domainsOf(from: string): string[] {
  return addressParser(from.slice(0, FROM_CHARS_MAX), { flatten: true }).flatMap(({ address = '' }) => {
    const read = parseAddress(address)
    return 'address' in read ? [read.address.slice(read.address.lastIndexOf('@') + 1)] : []
  })
}

function domainProblem({ fromDomains }: SmtpLogin, from: string): Problem | null {
  if (fromDomains.length === 0) return null
  const wrong = domainsOf(from).find((domain) => !permitsFrom(fromDomains, domain))
  return wrong === undefined
    ? null
    : new Problem('sender-not-allowed', {
        detail: `This login may not send as ${wrong}; it may use ${fromDomains.slice(0, 5).join(', ')}.`,
      })
}

function outcomeReply(outcome: SubmitOutcome, show: (problem: Problem) => Reply): Reply {
  if (outcome.kind === 'none-accepted') return show(outcome.problems[0] ?? new Problem('internal-error'))
  if (outcome.kind === 'refused' || outcome.kind === 'unavailable') return show(outcome.problem)
  const [result] = outcome.results
  if (!result) return show(new Problem('internal-error'))
  // Programs read the id from these words, as Postfix writes them.
  return result instanceof Problem
    ? show(result)
    : reply(250, '2.0.0', `Ok: queued as ${toPublicId('msg', result.id)}`)
}

/** Stores a mail for sending; 250 is answered after the commit, and names the message. */
export async function submitMail(
  deps: SubmitMailDeps,
  login: SmtpLogin,
  { mime, envelope }: Mail,
): Promise<Reply> {
  const show = (problem: Problem) =>
    problemReply(problem, { baseUrl: deps.baseUrl, recipients: envelope.recipients })
  const refuse = (answer: Reply): Reply => {
    deps.onMail(answer.code >= 500 ? 'refused' : 'deferred')
    return answer
  }
  const head = readHead(mime)
  if ('problem' in head) return refuse(reply(550, '5.6.0', `The mail ${head.problem}`))
  if (valuesOf(head, 'received').length > RECEIVED_MAX)
    return refuse(
      reply(
        554,
        '5.4.6',
        `The mail has gone over more than ${RECEIVED_MAX} servers: it goes round in a circle`,
      ),
    )
  const control = readControlFields(head, new Date(deps.now()))
  if (control instanceof Problem) return refuse(show(control))
  const problem = domainProblem(login, valuesOf(head, 'from')[0] ?? '')
  if (problem) return refuse(show(problem))
  const outcome = await deps.submit({
    tenant: { id: login.tenantId, mode: login.mode },
    messages: [{ kind: 'mime', mime, envelope, options: control.options }],
    atomic: true,
    idempotency: repeatOf({ mime, head, envelope }, control.idempotencyKey),
  })
  const answer = outcomeReply(outcome, show)
  if (answer.code !== 250) return refuse(answer)
  deps.onMail(outcome.kind === 'replayed' ? 'replayed' : 'accepted')
  return answer
}

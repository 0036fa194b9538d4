import type { NoticedType } from '../lib/index.ts'
import type { DueNotice } from './sql/claim-notices.ts'

type Text = { subject: string; happened: string; toDo: string }

const texts: Record<NoticedType, Text> = {
  'endpoint.disabled': {
    subject: 'An endpoint was disabled',
    happened: 'The gateway does not call this endpoint any more. Its events are kept.',
    toDo: 'Correct the receiver, then enable the endpoint: PATCH /v1/endpoints/{id} {"enabled": true}. The calls go on where they stopped.',
  },
  'usage.warned': {
    subject: 'Four fifths of a limit are used',
    happened: 'Your mail has used four fifths of a limit of your plan.',
    toDo: 'Send less until the limit begins anew, or ask the operator for a larger plan. GET /v1/usage shows all counters.',
  },
  'usage.exhausted': {
    subject: 'A limit is used up',
    happened: 'Your mail has used up a limit of your plan. Further mail is refused, or waits.',
    toDo: 'Send again when the limit begins anew, or ask the operator for a larger plan. For the limit of the shared pool, add a connection of your own: POST /v1/connections.',
  },
  'pool.warned': {
    subject: 'Too much of your mail bounces',
    happened:
      'Too much of your mail through the shared pool bounces or is reported as spam. The pool will be paused for you if this goes on.',
    toDo: 'Send only to people who asked for your mail, and take the addresses out of your lists that GET /v1/suppressions names.',
  },
  'pool.paused': {
    subject: 'Your mail through the shared pool is paused',
    happened:
      'Too much of your mail through the shared pool bounces or is reported as spam. Mail that only the pool can send waits.',
    toDo: 'Correct your lists, then ask the operator. A connection of your own sends meanwhile: POST /v1/connections.',
  },
  'domain.warned': {
    subject: 'The records of a domain are gone',
    happened:
      'The DNS does not show the records of a domain of yours any more. The domain is lost if they do not come back within a day.',
    toDo: 'Put the records back. GET /v1/domains shows them.',
  },
  'domain.failed': {
    subject: 'A domain is not proved',
    happened: 'The DNS does not show the records of a domain of yours.',
    toDo: 'Put the records into the DNS, then check the domain again: POST /v1/domains/{id}/check. GET /v1/domains shows the records.',
  },
}

/** Subject and text of the mail about an event: what happened, why, and what to do. */
export function noticeText({ type, tenantName, data, at }: DueNotice): { subject: string; text: string } {
  const { subject, happened, toDo } = texts[type]
  const details = Object.entries(data.detail ?? {}).map(([name, value]) => `${name}: ${value}`)
  const lines = [
    happened,
    data.reason ?? '',
    details.join('\n'),
    toDo,
    `This is about the account ${tenantName}, ${at.toISOString()}. PATCH /v1/settings {"notices_to": null} ends these mails.`,
  ]
  return {
    subject: `${subject} (${tenantName})`,
    text: `${lines.filter((line) => line !== '').join('\n\n')}\n`,
  }
}

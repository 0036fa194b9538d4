import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { alternativeOf } from '@lettergate/providers/lib/alternatives'
import type { Capabilities } from '@lettergate/providers/provider'
import type { ContentDocument } from '../lib/index.ts'

const fields = ['from', 'to', 'cc', 'bcc', 'reply_to'] as const
type Field = (typeof fields)[number]

/** A field with an address whose local part is quoted: only for its dots, or for another character too. */
type QuotedField = { field: Field; forDots: boolean }

/** Properties of a message's form that providers treat differently; an ordinary message has a subject and none of the rest. */
export type Form = { hasSubject: boolean; quotedFields: readonly QuotedField[] }

type Addresses = Record<Field, readonly { address: string }[]>

const dotsAlone = /^"[^" (),:;\\[\]]*"@/

function quotedFields(addresses: Addresses): QuotedField[] {
  const quoted: QuotedField[] = []
  for (const field of fields) {
    for (const { address } of addresses[field]) {
      if (address.startsWith('"')) quoted.push({ field, forDots: dotsAlone.test(address) })
    }
  }
  return quoted
}

export function formOfNew({ subject, from, to, cc, bcc, replyTo }: NewMessage): Form {
  return {
    hasSubject: subject !== '',
    quotedFields: quotedFields({ from: [from], to, cc, bcc, reply_to: replyTo }),
  }
}

/** Of a message from before its document had an envelope, all is ordinary: nothing else was accepted then. */
export function formOfStored({ envelope, reply_to = [] }: ContentDocument): Form {
  if (!envelope) return { hasSubject: true, quotedFields: [] }
  const { subject, from, recipients } = envelope
  const ofKind = (wanted: 'to' | 'cc' | 'bcc') => recipients.filter(({ kind }) => kind === wanted)
  return {
    hasSubject: subject !== '',
    quotedFields: quotedFields({
      from: [from],
      to: ofKind('to'),
      cc: ofKind('cc'),
      bcc: ofKind('bcc'),
      reply_to,
    }),
  }
}

export type Shape = {
  form: Form
  text?: string | undefined
  html?: string | undefined
  mime?: { textBytes?: number | undefined; htmlBytes?: number | undefined } | undefined
  attachments: readonly { contentType?: string | undefined }[]
}

type FormIncompatibility = { path: (string | number)[]; detail: string }

/** Finds the first property of a message's form that these capabilities cannot keep; null if they keep all. */
export function cannotKeepForm(capabilities: Capabilities, message: Shape): FormIncompatibility | null {
  const { needsSubject, needsBody, alternatives, localParts } = capabilities
  const { form, text = message.mime?.textBytes, html = message.mime?.htmlBytes, attachments } = message
  if (needsSubject && !form.hasSubject)
    return { path: ['subject'], detail: 'is empty, and the provider takes no message without a subject' }
  if (needsBody && text === undefined && html === undefined)
    return { path: ['text'], detail: 'and html are empty, and the provider takes no message of files alone' }
  const quoted = localParts && form.quotedFields.find(({ forDots }) => localParts === 'plain' || !forDots)
  if (quoted) {
    const detail =
      'has an address with quotes, or with odd dots, before the @, which the provider does not take'
    return { path: [quoted.field], detail }
  }
  for (const [index, { contentType = '' }] of attachments.entries()) {
    const alternative = alternatives && alternativeOf(contentType)
    if (!alternative || alternatives.includes(alternative)) continue
    return { path: ['attachments', index, 'content_type'], detail: alternativeDetails[alternative] }
  }
  return null
}

const alternativeDetails = {
  calendar:
    'is an invitation, which the provider cannot put beside text and html; without method it is a plain file',
  amp: 'is AMP, which the provider cannot put beside text and html',
} as const

import { z } from 'zod'
import { maybeTime } from '../lib/schema-parts.ts'

export const MAILBOXES_MAX = 100

const time = (description: string) =>
  z.iso.datetime({ offset: true }).meta({ description, examples: ['2026-11-20T09:30:00.000Z'] })

export const CreateMailboxRequest = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[^\p{Cc}]+$/u, 'has a control character')
      .meta({ description: 'Your name for it; each of your mailboxes has another.', examples: ['Support'] }),
  })
  .meta({ id: 'CreateInboundMailboxRequest', description: 'A place for received mail.' })
export type CreateMailboxRequest = z.output<typeof CreateMailboxRequest>

export const Mailbox = z
  .object({
    id: z.string().meta({ description: 'Id of the mailbox.', examples: ['mbx_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
    name: z.string().meta({ description: 'Your name for it.' }),
    created_at: time('When it was made.'),
  })
  .meta({ id: 'InboundMailbox', description: 'A place for received mail.' })
export type Mailbox = z.output<typeof Mailbox>

export const MailboxList = z
  .object({ data: z.array(Mailbox).meta({ description: 'By name.' }) })
  .meta({ id: 'InboundMailboxList', description: 'All your mailboxes.' })
export type MailboxList = z.output<typeof MailboxList>

export const ListMailboxQuery = z.strictObject({
  unread: z.stringbool().meta({ description: 'True: only mail that is not marked as read.' }).optional(),
  cursor: z.string().max(600).meta({ description: '`next_cursor` of the page before.' }).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20).meta({ description: 'Mails on a page.' }),
})
export type ListMailboxQuery = z.output<typeof ListMailboxQuery>

export const ListInboundQuery = z.strictObject({
  cursor: z.string().max(600).meta({ description: '`next_cursor` of the page before.' }).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20).meta({ description: 'Mails on a page.' }),
})
export type ListInboundQuery = z.output<typeof ListInboundQuery>

const ReceivedAddress = z
  .object({
    name: z.string().meta({ description: 'The shown name; empty: there is none.' }),
    address: z.string().meta({ description: 'The address, as the mail has it.' }),
  })
  .meta({ id: 'ReceivedAddress', description: 'A person in a header field of a received mail.' })

const ReceivedAttachment = z
  .object({
    number: z.int().meta({ description: 'Its number in the mail, from 0.' }),
    filename: z.string().meta({ description: 'Its name.' }),
    content_type: z.string().meta({ description: 'Its media type, as the sender wrote it.' }),
    disposition: z
      .enum(['attachment', 'inline'])
      .meta({ description: '`inline`: it is shown within the HTML.' }),
    content_id: z.string().nullable().meta({ description: 'By which the HTML refers to it.' }),
    bytes: z.int().meta({ description: 'Its size, about.' }),
    path: z.string().meta({
      description: 'Where this API answers its content.',
      examples: ['/v1/inbound/messages/inb_01m7wa5yjwe1qr5m7w1gzh99cc/attachments/0'],
    }),
    content: z.string().optional().meta({
      description: 'Base64. In calls to your URL, if all attachments together have less than 5 MB.',
    }),
  })
  .meta({ id: 'ReceivedAttachment', description: 'A file of a received mail.' })

export const MailAuthentication = z
  .object({
    spf: z
      .object({
        result: z
          .string()
          .meta({ description: 'pass, fail, softfail, neutral, none, temperror or permerror.' }),
        domain: z.string().nullable().meta({ description: 'The domain that was asked.' }),
      })
      .meta({ description: 'Whether the server may send for the domain of the envelope.' }),
    dkim: z
      .array(
        z.object({
          result: z
            .string()
            .meta({ description: 'pass, fail, neutral, none, policy, temperror or permerror.' }),
          domain: z.string().nullable().meta({ description: 'Who signed.' }),
          selector: z.string().nullable().meta({ description: 'Of the key.' }),
        }),
      )
      .meta({ description: 'Of each signature, ten at most.' }),
    dmarc: z
      .object({
        result: z.string().meta({ description: 'pass, fail, none, temperror or permerror.' }),
        domain: z.string().nullable().meta({ description: 'Of the author.' }),
        policy: z.string().nullable().meta({ description: 'The policy of the domain for mail that fails.' }),
      })
      .meta({ description: 'Whether the author is who the mail says.' }),
    arc: z
      .object({ result: z.string().meta({ description: 'pass, fail or none.' }) })
      .meta({ description: 'The result of servers on the way.' }),
  })
  .meta({ id: 'MailAuthentication', description: 'Who sent the mail, as far as it can be proved.' })
export type MailAuthentication = z.output<typeof MailAuthentication>

export const InboundTry = z
  .object({
    at: time('When the call was made.'),
    number: z.int().meta({ description: 'Number of the attempt, from 1.' }),
    status: z.int().nullable().meta({ description: 'The HTTP status of the answer; null: there was none.' }),
    ms: z.int().meta({ description: 'Time until the answer, in milliseconds.' }),
    error: z.string().nullable().meta({ description: 'Why there was no answer.' }),
    answer: z.string().nullable().meta({ description: 'The first 1,024 bytes of the answer.' }),
  })
  .meta({ id: 'InboundTry', description: 'One call to a URL with a received mail.' })

export const InboundActionState = z
  .object({
    type: z.enum(['post', 'store', 'forward', 'drop', 'bounce', 'reply']).meta({
      description:
        '`bounce`: a report on a message of yours, which became events of its recipient. `reply`: an answer to one.',
    }),
    state: z.enum(['waiting', 'done', 'failed']).meta({ description: '`waiting`: it is still tried.' }),
    detail: z.string().nullable().meta({ description: 'The URL, mailbox or addresses; or why it failed.' }),
    message_id: z
      .string()
      .nullable()
      .meta({ description: 'The message that carries it on, or that it is about.' }),
    next_at: maybeTime('When the next attempt is due; null: there is none.'),
    attempts: z.array(InboundTry).meta({ description: 'Calls to the URL, oldest first.' }),
  })
  .meta({ id: 'InboundActionState', description: 'One action on a received mail.' })
export type InboundActionState = z.output<typeof InboundActionState>

const head = {
  id: z.string().meta({ description: 'Id of the mail.', examples: ['inb_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
  received_at: time('When it was received.'),
  sender: z
    .string()
    .meta({ description: 'The sender of the envelope; empty: a report, which nobody may answer.' }),
  recipient: z.string().meta({ description: 'The address that it was sent to.' }),
  subject: z.string().nullable().meta({ description: 'Its subject; null: not read yet.' }),
  bytes: z.int().meta({ description: 'Its size.' }),
  state: z.enum(['waiting', 'done', 'failed']).meta({
    description: '`waiting`: it is not read yet. `failed`: it could not be read; the raw mail is there.',
  }),
  parse_error: z.string().nullable().meta({ description: 'Why it could not be read, or not as a whole.' }),
  mailbox: z.string().nullable().meta({ description: 'The mailbox that it is in.' }),
  read_at: maybeTime('When it was marked as read; null: it is unread.'),
}

export const InboundSummary = z
  .object(head)
  .meta({ id: 'InboundSummary', description: 'A received mail in a list.' })
export type InboundSummary = z.output<typeof InboundSummary>

export const InboundList = z
  .object({
    data: z.array(InboundSummary).meta({ description: 'Newest first.' }),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'For the next page; null: this is the last one.' }),
  })
  .meta({ id: 'InboundList', description: 'A page of received mails.' })
export type InboundList = z.output<typeof InboundList>

/** What a mail says, in answers and in calls to URLs. */
export const ReceivedContent = z.object({
  from: z.array(ReceivedAddress).meta({ description: 'The authors.' }),
  to: z.array(ReceivedAddress).meta({ description: 'As the mail has them.' }),
  cc: z.array(ReceivedAddress).meta({ description: 'As the mail has them.' }),
  reply_to: z.array(ReceivedAddress).meta({ description: 'Where answers go.' }),
  subject: z.string().meta({ description: 'Decoded.' }),
  date: z.string().nullable().meta({ description: 'As the mail has it.' }),
  mime_message_id: z.string().nullable().meta({ description: 'Its Message-ID.' }),
  in_reply_to: z.string().nullable().meta({ description: 'The Message-ID of the mail that it answers.' }),
  references: z.array(z.string()).meta({ description: 'Message-IDs of the mails before it.' }),
  text: z.string().nullable().meta({ description: 'The text, up to a million characters.' }),
  html: z
    .string()
    .nullable()
    .meta({ description: 'The HTML, up to a million characters. Written by a stranger.' }),
  stripped_text: z.string().nullable().meta({ description: 'The text without what it quotes.' }),
  headers: z
    .array(z.tuple([z.string(), z.string()]))
    .meta({ description: 'All header fields in order, decoded.' }),
  attachments: z.array(ReceivedAttachment).meta({ description: 'Its files.' }),
  authentication: MailAuthentication.meta({ description: 'Who sent it, as far as it can be proved.' }),
  auto: z.enum(['bounce', 'auto-reply', 'list', 'bulk']).nullable().meta({
    description: 'It was sent by a machine: do not answer it. null: nothing says so.',
  }),
})
export type ReceivedContent = z.output<typeof ReceivedContent>

export const InboundMessage = z
  .object({
    ...head,
    route: z.string().nullable().meta({ description: 'The route that decided.' }),
    message_id: z
      .string()
      .nullable()
      .meta({ description: 'The message that it is a reply to or a report on.' }),
    content: ReceivedContent.nullable().meta({
      description: 'The content; null: it is not read yet, or cannot be.',
    }),
    actions: z.array(InboundActionState).meta({ description: 'All that was done with it.' }),
  })
  .meta({ id: 'InboundMessage', description: 'A received mail.' })
export type InboundMessage = z.output<typeof InboundMessage>

export const MarkInboundRequest = z
  .strictObject({ read: z.boolean().meta({ description: 'True: marks it as read.' }) })
  .meta({ id: 'MarkInboundRequest', description: 'A mark on a received mail.' })
export type MarkInboundRequest = z.output<typeof MarkInboundRequest>

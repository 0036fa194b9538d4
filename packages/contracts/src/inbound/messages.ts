import { z } from 'zod'
import * as field from '../lib/fields.ts'
import { callFields } from '../webhooks/responses.ts'

export const MAILBOXES_MAX = 100

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
    id: field.id('mbx', 'Id of the mailbox.'),
    name: field.text('Your name for it.'),
    created_at: field.time('When it was made.'),
  })
  .meta({ id: 'InboundMailbox', description: 'A place for received mail.' })
export type Mailbox = z.output<typeof Mailbox>

export const MailboxList = field
  .listOf(Mailbox, 'By name.')
  .meta({ id: 'InboundMailboxList', description: 'All your mailboxes.' })
export type MailboxList = z.output<typeof MailboxList>

export const ListMailboxQuery = z.strictObject({
  unread: z.stringbool().meta({ description: 'True: only mail that is not marked as read.' }).optional(),
  cursor: z.string().max(600).meta({ description: '`next_cursor` of the page before.' }).optional(),
  limit: field.queryInt('Mails on a page.', { max: 100, usual: 20 }),
})
export type ListMailboxQuery = z.output<typeof ListMailboxQuery>

export const ListInboundQuery = z.strictObject({
  cursor: z.string().max(600).meta({ description: '`next_cursor` of the page before.' }).optional(),
  limit: field.queryInt('Mails on a page.', { max: 100, usual: 20 }),
})
export type ListInboundQuery = z.output<typeof ListInboundQuery>

const ReceivedAddress = z
  .object({
    name: field.text('The shown name; empty: there is none.'),
    address: field.text('The address, as the mail has it.'),
  })
  .meta({ id: 'ReceivedAddress', description: 'A person in a header field of a received mail.' })

const ReceivedAttachment = z
  .object({
    number: field.int('Its number in the mail, from 0.'),
    filename: field.text('Its name.'),
    content_type: field.text('Its media type, as the sender wrote it.'),
    disposition: z
      .enum(['attachment', 'inline'])
      .meta({ description: '`inline`: it is shown within the HTML.' }),
    content_id: field.maybeText('By which the HTML refers to it.'),
    bytes: field.int('Its size, about.'),
    path: field.text(
      'Where this API answers its content.',
      '/v1/inbound/messages/inb_01m7wa5yjwe1qr5m7w1gzh99cc/attachments/0',
    ),
    content: z.string().optional().meta({
      description: 'Base64. In calls to your URL, if all attachments together have less than 5 MB.',
    }),
  })
  .meta({ id: 'ReceivedAttachment', description: 'A file of a received mail.' })

export const MailAuthentication = z
  .object({
    spf: z
      .object({
        result: field.text('pass, fail, softfail, neutral, none, temperror or permerror.'),
        domain: field.maybeText('The domain that was asked.'),
      })
      .meta({ description: 'Whether the server may send for the domain of the envelope.' }),
    dkim: z
      .array(
        z.object({
          result: field.text('pass, fail, neutral, none, policy, temperror or permerror.'),
          domain: field.maybeText('Who signed.'),
          selector: field.maybeText('Of the key.'),
        }),
      )
      .meta({ description: 'Of each signature, ten at most.' }),
    dmarc: z
      .object({
        result: field.text('pass, fail, none, temperror or permerror.'),
        domain: field.maybeText('Of the author.'),
        policy: field.maybeText('The policy of the domain for mail that fails.'),
      })
      .meta({ description: 'Whether the author is who the mail says.' }),
    arc: z
      .object({ result: field.text('pass, fail or none.') })
      .meta({ description: 'The result of servers on the way.' }),
  })
  .meta({ id: 'MailAuthentication', description: 'Who sent the mail, as far as it can be proved.' })
export type MailAuthentication = z.output<typeof MailAuthentication>

export const InboundTry = z
  .object({
    at: field.time('When the call was made.'),
    number: field.int('Number of the attempt, from 1.'),
    ...callFields,
  })
  .meta({ id: 'InboundTry', description: 'One call to a URL with a received mail.' })

export const InboundActionState = z
  .object({
    type: z.enum(['post', 'store', 'forward', 'drop', 'bounce', 'reply']).meta({
      description:
        '`bounce`: a report on a message of yours, which became events of its recipient. `reply`: an answer to one.',
    }),
    state: z.enum(['waiting', 'done', 'failed']).meta({ description: '`waiting`: it is still tried.' }),
    detail: field.maybeText('The URL, mailbox or addresses; or why it failed.'),
    message_id: field.maybeText('The message that carries it on, or that it is about.'),
    next_at: field.maybeTime('When the next attempt is due; null: there is none.'),
    attempts: z.array(InboundTry).meta({ description: 'Calls to the URL, oldest first.' }),
  })
  .meta({ id: 'InboundActionState', description: 'One action on a received mail.' })
export type InboundActionState = z.output<typeof InboundActionState>

const head = {
  id: field.id('inb', 'Id of the mail.'),
  received_at: field.time('When it was received.'),
  sender: field.text('The sender of the envelope; empty: a report, which nobody may answer.'),
  recipient: field.text('The address that it was sent to.'),
  subject: field.maybeText('Its subject; null: not read yet.'),
  bytes: field.int('Its size.'),
  state: z.enum(['waiting', 'done', 'failed']).meta({
    description: '`waiting`: it is not read yet. `failed`: it could not be read; the raw mail is there.',
  }),
  parse_error: field.maybeText('Why it could not be read, or not as a whole.'),
  mailbox: field.maybeText('The mailbox that it is in.'),
  read_at: field.maybeTime('When it was marked as read; null: it is unread.'),
}

export const InboundSummary = z
  .object(head)
  .meta({ id: 'InboundSummary', description: 'A received mail in a list.' })
export type InboundSummary = z.output<typeof InboundSummary>

export const InboundList = z
  .object({
    data: z.array(InboundSummary).meta({ description: 'Newest first.' }),
    next_cursor: field.maybeText('For the next page; null: this is the last one.'),
  })
  .meta({ id: 'InboundList', description: 'A page of received mails.' })
export type InboundList = z.output<typeof InboundList>

/** What a mail says, in answers and in calls to URLs. */
export const ReceivedContent = z.object({
  from: z.array(ReceivedAddress).meta({ description: 'The authors.' }),
  to: z.array(ReceivedAddress).meta({ description: 'As the mail has them.' }),
  cc: z.array(ReceivedAddress).meta({ description: 'As the mail has them.' }),
  reply_to: z.array(ReceivedAddress).meta({ description: 'Where answers go.' }),
  subject: field.text('Decoded.'),
  date: field.maybeText('As the mail has it.'),
  mime_message_id: field.maybeText('Its Message-ID.'),
  in_reply_to: field.maybeText('The Message-ID of the mail that it answers.'),
  references: field.texts('Message-IDs of the mails before it.'),
  text: field.maybeText('The text, up to a million characters.'),
  html: field.maybeText('The HTML, up to a million characters. Written by a stranger.'),
  stripped_text: field.maybeText('The text without what it quotes.'),
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
    route: field.maybeText('The route that decided.'),
    message_id: field.maybeText('The message that it is a reply to or a report on.'),
    content: ReceivedContent.nullable().meta({
      description: 'The content; null: it is not read yet, or cannot be.',
    }),
    actions: z.array(InboundActionState).meta({ description: 'All that was done with it.' }),
  })
  .meta({ id: 'InboundMessage', description: 'A received mail.' })
export type InboundMessage = z.output<typeof InboundMessage>

export const MarkInboundRequest = z
  .strictObject({ read: field.flag('True: marks it as read.') })
  .meta({ id: 'MarkInboundRequest', description: 'A mark on a received mail.' })
export type MarkInboundRequest = z.output<typeof MarkInboundRequest>

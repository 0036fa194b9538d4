import { z } from 'zod'
import { limits } from '../lib/field-limits.ts'
import { timeText } from '../lib/timestamp.ts'
import { headerNamePattern } from './header-rules.ts'

// What a field is and means: published as the reference and checked on every request. What takes more than a
// type to judge (addresses, names, base64) is in send-request.ts; bounds shown by meta() are enforced there.

export const tagPattern = /^[A-Za-z0-9_.:-]{1,64}$/
export const metadataKeyPattern = /^[A-Za-z0-9_.:-]{1,64}$/

const MailboxText = z.string().meta({
  description:
    'An address, alone or with a name: `a@b.example` or `Name <a@b.example>` (RFC 5322 §3.4). ' +
    'Put a name with any of `" , ; : < > @` in double quotes.',
  maxLength: limits.mailboxLengthMax,
  examples: ['Ann Lee <ann@acme.example>', 'ann@acme.example'],
})

const MailboxObject = z
  .strictObject({
    email: z.string().meta({
      description:
        'The address: at most 64 characters before the @ and 254 in all (RFC 5321 §4.5.3.1), ASCII before the @. ' +
        'An internationalised domain is stored in its ASCII form, every domain in lower case. Quotes before the @ are ' +
        'accepted, without < > @ in them, and stored only where they are needed: `"ann"@…` is `ann@…`. Dots at the ' +
        'start, at the end or together are accepted and stored in quotes: `a..b@…` is `"a..b"@…`. A message with such ' +
        'addresses needs a connection that can carry them.',
      maxLength: limits.addressLengthMax,
      examples: ['ann@acme.example'],
    }),
    name: z
      .string()
      .meta({
        description: 'The name shown beside the address, in one line, unquoted.',
        maxLength: limits.nameLengthMax,
        examples: ['Ann Lee'],
      })
      .optional(),
  })
  .meta({ description: 'An address in two parts.' })

/** One address with an optional name, in either way of writing it. */
export const MailboxInput = z
  .union([MailboxText, MailboxObject])
  .meta({ id: 'MailboxInput', description: 'One address with an optional name, as text or in two parts.' })

const attachmentFields = {
  filename: z.string().meta({
    description:
      'The file name shown to the reader. Not allowed: a path, control or direction characters, a name reserved by ' +
      'Windows, the extension of an executable file (.exe, .js, .scr, …).',
    maxLength: limits.filenameLengthMax,
    examples: ['invoice.pdf'],
  }),
  content: z.string().meta({
    description:
      'The file in standard base64 (RFC 4648 §4) with padding, without line breaks and without `data:`.',
    contentEncoding: 'base64',
    examples: ['JVBERi0xLjcK'],
  }),
  content_type: z
    .string()
    .meta({
      description:
        'Media type (RFC 2045 §5). Default: by the extension, else `application/octet-stream`. The first ' +
        '`text/calendar; method=…` becomes the last form of the message beside text and html (RFC 6047), and an ' +
        'attachment too; `text/x-amp-html` becomes the form between text and html, and needs html.',
      maxLength: limits.contentTypeLengthMax,
      examples: ['application/pdf'],
    })
    .optional(),
  content_id: z
    .string()
    .meta({
      description:
        'The name under which the HTML part shows this file: `<img src="cid:logo">`; without angle brackets.',
      maxLength: limits.contentIdLengthMax,
      examples: ['logo'],
    })
    .optional(),
  disposition: z
    .enum(['attachment', 'inline'])
    .meta({
      description:
        '`attachment`: listed as a file. `inline`: shown in the HTML part. Default: `inline` if content_id is given.',
    })
    .optional(),
}

const Attachment = z
  .strictObject(attachmentFields)
  .meta({ id: 'AttachmentInput', description: 'A file that goes with the message.' })

function mailboxes(description: string, min: number, max: number) {
  return z.union([MailboxInput, z.array(MailboxInput).min(min).max(max)]).meta({ description })
}

const headersField = z
  .record(
    z.string().meta({ pattern: headerNamePattern.source }),
    z.string().meta({
      description:
        'One line. It is folded and encoded by the grammar of its field; a value that the grammar cannot express is refused.',
    }),
  )
  .meta({
    description:
      `Further header fields, at most ${limits.headersMax} and ${limits.headerBytesMax} bytes together. Fields ` +
      'that the gateway writes (From, Bcc, Message-ID, Content-…, DKIM-…) and commands to providers (X-SES-…, ' +
      'X-PM-…) are refused with `header-not-allowed`.',
    maxProperties: limits.headersMax,
    examples: [{ 'List-Unsubscribe': '<https://acme.example/u/1>' }],
  })

const metadataField = z
  .record(
    z.string().meta({ pattern: metadataKeyPattern.source }),
    z.string().meta({ description: `At most ${limits.metadataValueBytesMax} bytes of UTF-8.` }),
  )
  .meta({
    description:
      'Your own keys and values. They come back with the message and its events; recipients do not see them. ' +
      `At most ${limits.metadataKeysMax} keys and ${limits.metadataBytesMax} bytes together.`,
    maxProperties: limits.metadataKeysMax,
    examples: [{ order: '1234' }],
  })

const bodyField = (part: string) =>
  z
    .string()
    .max(limits.bodyLengthMax)
    .meta({
      description: `The ${part} part. At least one of text and html is needed, unless there are attachments.`,
    })
    .optional()

const notYet = (what: string) =>
  z
    .never()
    .meta({ description: `${what} Not supported yet: refused with \`field-not-supported\`.` })
    .optional()

/** The body of POST /v1/send as it is written. */
export const SendRequest = z
  .strictObject({
    from: mailboxes('The author, exactly one. Replies go there unless reply_to is given.', 1, 1),
    to: mailboxes(
      `Recipients named in To. Optional if cc or bcc has a recipient. to, cc and bcc hold at most ` +
        `${limits.recipientsMax} addresses together; an address given twice is stored and counted once.`,
      0,
      limits.recipientsMax,
    ).optional(),
    cc: mailboxes('Recipients named in Cc.', 0, limits.recipientsMax).optional(),
    bcc: mailboxes('Recipients that no other recipient sees.', 0, limits.recipientsMax).optional(),
    reply_to: mailboxes('Where replies go instead of from.', 0, limits.replyToMax).optional(),
    subject: z
      .string()
      .max(limits.subjectLengthMax)
      .meta({
        description: 'The subject, in one line. Some providers accept no message without a subject.',
        examples: ['Your receipt'],
      })
      .optional(),
    text: bodyField('plain text'),
    html: bodyField('HTML'),
    headers: headersField.optional(),
    attachments: z
      .array(Attachment)
      .max(limits.attachmentsMax)
      .meta({ description: `Files, at most ${limits.attachmentBytesMax} bytes together after decoding.` })
      .optional(),
    tags: z
      .array(
        z.string().meta({ pattern: tagPattern.source, description: 'A word for filters and statistics.' }),
      )
      .max(limits.tagsMax)
      .meta({
        description: 'Words for filters and statistics. Recipients do not see them.',
        examples: [['receipt']],
      })
      .optional(),
    metadata: metadataField.optional(),
    send_at: timeText
      .meta({
        format: 'date-time',
        description:
          'When to send (RFC 3339 with offset), at most 30 days ahead. Up to an hour in the past means now; ' +
          'earlier is refused.',
        examples: ['2026-12-01T09:00:00+01:00'],
      })
      .optional(),
    stream: z
      .enum(['transactional', 'bulk'])
      .meta({
        description:
          'Bulk mail waits for transactional mail of the same tenant, and gets one of eight turns while both wait. ' +
          'Default: `transactional`.',
      })
      .optional(),
    connection: z
      .string()
      .meta({
        description: 'Id of the connection to send through. Default: your connections by priority.',
        examples: ['con_01m7wa5yjwe1qr5m7w1gzh99cc'],
      })
      .optional(),
    template: notYet('A stored template and its variables.'),
    tracking: notYet('Counts opens and clicks.'),
    callback_url: z
      .string()
      .min(1)
      .max(2_048)
      .meta({
        description:
          'A URL that gets the events of this message, besides your endpoints. Calls are signed with the default secret. https, and public.',
        examples: ['https://app.acme.example/events'],
      })
      .optional(),
    reply_tracking: z
      .boolean()
      .meta({
        description:
          'True: replies come to the gateway, which has them as events of the message (`recipient.replied`) and gives them to your inbound route for `reply`. In the place of `reply_to`.',
      })
      .optional(),
  })
  .meta({ id: 'SendRequest', description: 'One message to send.' })

/** Fields that are known, but that nothing can be done with until they exist. */
export const reservedFields: ReadonlySet<string> = new Set(['template', 'tracking'])

/** The body of POST /v1/send/batch as it is written. */
export const SendBatchRequest = z
  .strictObject({
    messages: z.array(SendRequest).min(1).max(limits.batchMessagesMax).meta({
      description: 'Messages. Each is checked separately: an invalid one does not stop the others.',
    }),
  })
  .meta({ id: 'SendBatchRequest', description: 'Several messages in one request.' })

/** The same with nothing said about the messages: they are judged one by one. */
export const SendBatchEnvelope = SendBatchRequest.extend({
  messages: z.array(z.unknown()).min(1).max(limits.batchMessagesMax),
})

/** Any part of it: what is left to judge when some fields have the wrong shape. */
export const PartialSendRequest = SendRequest.partial()

export type PartialSendShape = z.output<typeof PartialSendRequest>

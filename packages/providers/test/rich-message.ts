import { simpleParser } from 'mailparser'
import type { OutboundMessage } from '../src/provider.ts'
import { buildOutboundMessage } from './io.ts'

/** A message that has everything a message can have, for providers that take it as raw MIME. */
export const richMessage: OutboundMessage = buildOutboundMessage({
  from: { address: 'writer@example.com', name: 'Žofie "Zed" Ünal, Jr.' },
  to: [{ address: 'reader@example.org', name: 'Reader, First' }, { address: 'second@example.org' }],
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  bcc: [{ address: 'hidden@example.net', name: 'Nobody Knows' }],
  replyTo: [{ address: 'answers@example.com', name: 'Answers; all' }, { address: 'more@example.com' }],
  envelopeTo: ['reader@example.org', 'second@example.org', 'copy@example.net', 'hidden@example.net'],
  subject: 'Grüße {{name}}',
  text: 'Grüße {{name}}\n.\n.dot\n',
  html: '<p>Grüße {{name}} <img src="cid:logo"></p>\n',
  headers: { 'List-Unsubscribe': '<https://example.com/u>', 'X-Campaign': 'naïve' },
  tags: ['welcome', 'receipt'],
  metadata: { order: '7', _note: 'größe "x"' },
  attachments: [
    {
      filename: 'logo.png',
      contentType: 'image/png',
      disposition: 'inline',
      contentId: 'logo',
      content: Buffer.from('png'),
    },
    {
      filename: 'Übersicht, 2026.pdf',
      contentType: 'application/pdf',
      disposition: 'attachment',
      content: Buffer.from('pdf'),
    },
  ],
})

/** The fields that an independent parser reads from the MIME of `richMessage`; it puts images into the html, and leaves own header fields encoded. */
export const richMail = {
  from: [{ address: 'writer@example.com', name: 'Žofie "Zed" Ünal, Jr.' }],
  to: [
    { address: 'reader@example.org', name: 'Reader, First' },
    { address: 'second@example.org', name: '' },
  ],
  cc: [{ address: 'copy@example.net', name: 'Größe 2' }],
  replyTo: [
    { address: 'answers@example.com', name: 'Answers; all' },
    { address: 'more@example.com', name: '' },
  ],
  subject: 'Grüße {{name}}',
  text: 'Grüße {{name}}\n.\n.dot\n',
  html: '<p>Grüße {{name}} <img src="data:image/png;base64,cG5n"></p>\n',
  id: 'msg_01k9z8y7x6w5v4t3s2r1q0pnmk',
  campaign: '=?UTF-8?Q?na=C3=AFve?=',
  attachments: [
    { filename: 'logo.png', contentType: 'image/png', cid: 'logo', content: 'png' },
    { filename: 'Übersicht, 2026.pdf', contentType: 'application/pdf', content: 'pdf' },
  ],
}

/** A mail as an independent parser reads it, to be compared with `richMail`. */
export async function readMail(raw: string): Promise<unknown> {
  const mail = await simpleParser(Buffer.from(raw, 'latin1'), { skipTextToHtml: true })
  return {
    from: mail.from?.value,
    to: [mail.to].flat()[0]?.value,
    cc: [mail.cc].flat()[0]?.value,
    replyTo: mail.replyTo?.value,
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    id: mail.headers.get('x-lg-id'),
    campaign: mail.headers.get('x-campaign'),
    attachments: mail.attachments.map(({ filename, contentType, cid, content }) => ({
      filename,
      contentType,
      ...(cid !== undefined && { cid }),
      content: content.toString(),
    })),
  }
}

/** The parts of the independent parser that tests read; the package has no types of its own. */
declare module 'mailparser' {
  type Addresses = { value: { address?: string; name: string }[] }
  type ParsedMail = {
    from?: Addresses
    to?: Addresses | Addresses[]
    cc?: Addresses | Addresses[]
    replyTo?: Addresses
    subject?: string
    text?: string
    html: string | false
    date?: Date
    messageId?: string
    headers: Map<string, unknown>
    attachments: { filename?: string; contentType: string; content: Buffer; cid?: string; related: boolean }[]
  }
  export function simpleParser(source: Buffer, options?: { skipTextToHtml?: boolean }): Promise<ParsedMail>
}

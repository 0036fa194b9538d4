import type { Stream } from '@lettergate/contracts/messages/new-message'
import { type Column, column } from '@lettergate/db/composite-rows'

/** The columns of the table `message` that a request decides: accept writes all of them, and every reader of messages gets them. */
export type MessageColumns = {
  stream: Stream
  fromAddress: string
  fromName: string | null
  subject: string
  tags: string[]
  metadata: Record<string, string> | null
  sendAt: Date | null
  connectionId: string | null
  attachmentCount: number
  /** Of texts, attachments and the mail as its client wrote it. */
  contentBytes: number
  callbackUrl: string | null
}

/** How each is written, in the order of the batch type (`accept/sql/message-batch.ts`). */
export const messageColumns: { [K in keyof MessageColumns]: Column<MessageColumns> } = {
  stream: column('text', (message) => message.stream),
  fromAddress: column('text', (message) => message.fromAddress),
  fromName: column('text', (message) => message.fromName),
  subject: column('text', (message) => message.subject),
  tags: column('text[]', (message) => message.tags),
  metadata: column('json', ({ metadata }) => metadata && JSON.stringify(metadata)),
  sendAt: column('timestamptz', (message) => message.sendAt),
  connectionId: column('uuid', (message) => message.connectionId),
  attachmentCount: column('int2', (message) => message.attachmentCount),
  contentBytes: column('int4', (message) => message.contentBytes),
  callbackUrl: column('text', (message) => message.callbackUrl),
}

const names = Object.keys(messageColumns).map((key) => ({
  key,
  name: key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
}))

/** Their names, for the insert. */
export const MESSAGE_COLUMNS = names.map(({ name }) => name).join(', ')

/** A select list that answers `MessageColumns`. JSON, because the parser of arrays reads character by character. */
export const READ_MESSAGE_COLUMNS = names
  .map(({ key, name }) => `${key === 'tags' ? 'to_json(tags)' : name} as "${key}"`)
  .join(', ')

/** Accept: stores messages, counts them against the quota and answers repeats. */
export {
  type AcceptedMessage,
  type Acceptor,
  createAcceptor,
} from './accept.ts'
export { createConnectionsCheck } from './check-capabilities.ts'
export { acceptRow } from './message-rows.ts'
export { openAccept } from './open-accept.ts'
export { type AcceptRow, type AcceptUnit, acceptMessages } from './sql/accept-messages.ts'
export { insertAttachments } from './sql/insert-attachments.ts'
export type { MimeMessage, Submission, Submit, SubmitOutcome } from './submission.ts'
export { createSubmit } from './submit.ts'

/** Bounds of one message. Published in the reference through the schemas; checked by the functions beside them. */
export const limits = {
  /** Distinct addresses in to, cc and bcc together: the strictest of the common providers (SES) takes 50. */
  recipientsMax: 50,
  /** Of a mail that came with an envelope: RFC 5321 §4.5.3.1.8. */
  envelopeRecipientsMax: 100,
  /** Of a mail that came as MIME: what the largest providers take. */
  mimeBytesMax: 40 * 1000 * 1000,
  replyToMax: 10,
  /** RFC 5321 §4.5.3.1.1. */
  localPartLengthMax: 64,
  /** RFC 5321 §4.5.3.1.3, less the angle brackets. */
  addressLengthMax: 254,
  nameLengthMax: 255,
  /** A mailbox as text: name, address, quoting. */
  mailboxLengthMax: 1_000,
  /** RFC 5322 §2.1.1. */
  subjectLengthMax: 998,
  bodyLengthMax: 5_000_000,
  headersMax: 50,
  headerNameLengthMax: 76,
  headerBytesMax: 16_384,
  attachmentsMax: 50,
  attachmentBytesMax: 25 * 1024 * 1024,
  filenameLengthMax: 255,
  contentTypeLengthMax: 255,
  contentIdLengthMax: 128,
  tagsMax: 10,
  tagLengthMax: 64,
  metadataKeysMax: 50,
  metadataKeyLengthMax: 64,
  metadataValueBytesMax: 1_024,
  metadataBytesMax: 10_240,
  batchMessagesMax: 500,
  /** A request that arrives late is still accepted. */
  sendAtPastMsMax: 3_600_000,
  sendAtAheadMsMax: 30 * 86_400_000,
} as const

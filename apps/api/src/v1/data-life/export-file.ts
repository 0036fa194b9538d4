import { toPublicId } from '@lettergate/contracts/lib/ids'
import type { FastifyReply } from 'fastify'
import { fileAnswer } from '../../http/schemas.ts'
import { sendPieces } from '../../http/send-pieces.ts'

export const exportFileAnswer = fileAnswer(
  'application/x-ndjson',
  'The file.',
  'One JSON object a line: {"table": "message", "row": {…}}, by table and key.',
)

/** Answers the file of an export, read from the database as fast as the client takes it. */
export function sendExportFile(
  reply: FastifyReply,
  jobId: string,
  pieces: AsyncGenerator<Buffer>,
): FastifyReply {
  const name = `${toPublicId('job', jobId)}.ndjson`
  return sendPieces(reply, { type: 'application/x-ndjson; charset=utf-8', name }, pieces)
}

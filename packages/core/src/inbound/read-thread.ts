import { parentPort, workerData } from 'node:worker_threads'
import { type MailReport, parseReport } from '@lettergate/providers/lib/parse-report'
import { type Head, valuesOf } from '@lettergate/providers/raw-mime/head'
import { z } from 'zod'
import { authenticateMail } from './authenticate.ts'
import { type AutoKind, autoKindOf } from './auto-reply.ts'
import { createDnsQuestions } from './dns-questions.ts'
import { headOf } from './head-of.ts'
import type { ReadAnswer, ReadJob, ReadResult } from './mail-reader.ts'
import { readMail } from './read-mail.ts'

const { mta } = z.object({ mta: z.string() }).parse(workerData)
const resolve = createDnsQuestions()

/** A report has its facts in front; the rest is the mail that came back. */
const REPORT_BYTES_MAX = 256 * 1024

function reportOf(raw: Buffer, head: Head, { kind }: ReadJob, auto: AutoKind | null): MailReport | null {
  const isReport = valuesOf(head, 'content-type').some((type) => /^multipart\/report\b/i.test(type))
  if (kind !== 'bounce' && auto !== 'bounce' && !isReport) return null
  return parseReport(raw.subarray(0, REPORT_BYTES_MAX), new Date())
}

async function read(job: ReadJob): Promise<ReadResult> {
  const { raw, session } = job
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  const { mail, problem } = await readMail(bytes)
  const authentication = await authenticateMail(bytes, session, { mta, resolve })
  const head = headOf(bytes)
  const auto = autoKindOf(head, session.sender)
  return { mail, authentication, auto, problem, report: reportOf(bytes, head, job, auto) }
}

parentPort?.on('message', (job: ReadJob) => {
  read(job).then(
    (result) => parentPort?.postMessage({ id: job.id, result } satisfies ReadAnswer),
    (error: unknown) =>
      parentPort?.postMessage({ id: job.id, error: String(error).slice(0, 500) } satisfies ReadAnswer),
  )
})
parentPort?.postMessage({ isReady: true } satisfies ReadAnswer)

import { toLine } from '../lib/answer.ts'

/** The name of an error that the SDK threw, such as `AccessDeniedException`. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error'
}

/** Status and text of the answer behind such an error; without a status no answer was read. */
export function describeSdkError(error: unknown): { status: number | undefined; message: string } {
  if (!(error instanceof Error)) return { status: undefined, message: '' }
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined
  return { status: typeof status === 'number' ? status : undefined, message: toLine(error.message) }
}

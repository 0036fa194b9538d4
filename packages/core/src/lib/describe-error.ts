export type DescribedError = {
  type: string
  message: string
  code?: unknown
  stack?: string | undefined
  cause?: DescribedError
}

/** Some libraries put all that they know into the text. */
const TEXT_CHARS_MAX = 4_000

/**
 * An error's name, text, code and stack for the log, and nothing else that hangs on it: errors of the database carry rows, errors
 * of HTTP clients carry requests with their credentials.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  return {
    type: error.name,
    message: error.message.slice(0, TEXT_CHARS_MAX),
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack?.slice(0, TEXT_CHARS_MAX),
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}

import { describeError } from '@lettergate/core/lib'
import { type Logger, pino } from 'pino'

/** The process's log, one JSON object a line. Secrets stay out of it by the type `Secret`, or are never passed. */
export function createLogger(level: string): Logger {
  return pino({ level, base: { app: 'api' }, serializers: { err: (error: unknown) => describeError(error) } })
}

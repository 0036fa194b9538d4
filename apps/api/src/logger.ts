import { describeError } from '@lettergate/core/lib'
import { type Logger, pino } from 'pino'

/** The process's log, one JSON object a line. What is secret stays out by being typed `Secret`, or never given. */
export function createLogger(level: string): Logger {
  return pino({ level, base: { app: 'api' }, serializers: { err: (error: unknown) => describeError(error) } })
}

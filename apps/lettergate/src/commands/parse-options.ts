import type { z } from 'zod'
import { CliError } from '../cli-error.ts'

/** The options as `schema` wants them; all faults together in one line. */
export function parseOptions<T>(schema: z.ZodType<T>, options: unknown): T {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(
    ({ path, message }) =>
      `--${path.join('-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${message}`,
  )
  throw new CliError(issues.join('; '))
}

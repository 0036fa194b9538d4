import type { Command } from 'commander'
import { z } from 'zod'

/** Of commands that change something. */
export const changeFlags = { dryRun: z.boolean().default(false), json: z.boolean().default(false) }

export function withChangeFlags(command: Command): Command {
  return command
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--json', 'print one JSON object')
}

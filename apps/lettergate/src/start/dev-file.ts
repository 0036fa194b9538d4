import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writePrivateFile } from './data-folder.ts'

const DevFile = z.object({
  api_url: z.string(),
  live_key: z.string(),
  test_key: z.string(),
  admin_key: z.string(),
  pid: z.number(),
})
/** What a script needs to use a development gateway; the only place where the demo tenant's keys are kept. */
export type DevFile = z.infer<typeof DevFile>

/** What the last start wrote, or null if there was none that got so far. */
export function readDevFile(folder: string): DevFile | null {
  try {
    return DevFile.parse(JSON.parse(readFileSync(join(folder, 'dev.json'), 'utf8')))
  } catch {
    return null
  }
}

export function writeDevFile(folder: string, content: DevFile): void {
  writePrivateFile(join(folder, 'dev.json'), `${JSON.stringify(content, null, 2)}\n`)
}

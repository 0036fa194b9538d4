import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writePrivateFile } from './data-folder.ts'

const DevFile = z.object({
  api_url: z.string(),
  live_key: z.string(),
  test_key: z.string(),
  admin_key: z.string(),
  smtp_host: z.string().optional(),
  smtp_port: z.number().optional(),
  smtp_tls_port: z.number().optional(),
  smtp_username: z.string().optional(),
  smtp_password: z.string().optional(),
  inbound_port: z.number().optional(),
  inbound_address: z.string().optional(),
  pid: z.number(),
})
/** Access data of a development gateway for scripts; the only place with the demo tenant's keys. */
export type DevFile = z.infer<typeof DevFile>

/** Reads the file of the last start; null if there is none. */
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

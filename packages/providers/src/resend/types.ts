import type { Secret } from '../lib/secret.ts'

export type ResendCredentials = { api_key: Secret }

export type ResendSettings = { base_url?: string | undefined }

export function endpoint(chosen: ResendSettings): string {
  return chosen.base_url ?? 'https://api.resend.com'
}

import type { Secret } from '../lib/secret.ts'

export type BrevoCredentials = { api_key: Secret }

export type BrevoSettings = { base_url?: string | undefined }

export function endpoint(chosen: BrevoSettings): string {
  return chosen.base_url ?? 'https://api.brevo.com/v3'
}

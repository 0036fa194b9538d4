import type { Secret } from '../lib/secret.ts'

export type SendgridCredentials = { api_key: Secret }

export type SendgridSettings = { region?: 'us' | 'eu' | undefined; base_url?: string | undefined }

export function endpoint({ region, base_url }: SendgridSettings): string {
  return base_url ?? (region === 'eu' ? 'https://api.eu.sendgrid.com' : 'https://api.sendgrid.com')
}

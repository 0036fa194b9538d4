import type { Secret } from '../lib/secret.ts'

export type MailgunCredentials = { api_key: Secret }

export type MailgunSettings = {
  domain: string
  region?: 'us' | 'eu' | undefined
  base_url?: string | undefined
}

export function endpoint({ region, base_url }: MailgunSettings): string {
  return base_url ?? (region === 'eu' ? 'https://api.eu.mailgun.net' : 'https://api.mailgun.net')
}

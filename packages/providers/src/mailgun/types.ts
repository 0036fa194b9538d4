import type { Secret } from '../lib/secret.ts'

export type MailgunCredentials = { api_key: Secret }

export type MailgunSettings = {
  domain: string
  region?: 'us' | 'eu' | undefined
  base_url?: string | undefined
}

import type { Secret } from '../lib/secret.ts'

export type MandrillCredentials = { api_key: Secret }

export type MandrillSettings = {
  subaccount?: string | undefined
  metadata?: boolean | undefined
  base_url?: string | undefined
}

export function endpoint(chosen: MandrillSettings): string {
  return chosen.base_url ?? 'https://mandrillapp.com'
}

import type { Secret } from '../lib/secret.ts'

export type Microsoft365Credentials = {
  client_id: string
  client_secret?: Secret | undefined
  refresh_token?: Secret | undefined
}

export type Microsoft365Settings = {
  tenant: string
  user: string
  base_url?: string | undefined
  login_url?: string | undefined
}

import type { Secret } from '../lib/secret.ts'

export type GmailCredentials =
  | { client_id: string; client_secret: Secret; refresh_token: Secret }
  | { client_email: string; private_key: Secret }

export type GmailSettings = { user: string; base_url?: string | undefined; token_url?: string | undefined }

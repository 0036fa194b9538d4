import type { Secret } from '../lib/secret.ts'

export type BrevoCredentials = { api_key: Secret }

export type BrevoSettings = { base_url?: string | undefined }

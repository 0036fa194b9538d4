import type { Secret } from '../lib/secret.ts'

export type ResendCredentials = { api_key: Secret }

export type ResendSettings = { base_url?: string | undefined }

import type { Secret } from '../lib/secret.ts'

export type SendgridCredentials = { api_key: Secret }

export type SendgridSettings = { region?: 'us' | 'eu' | undefined; base_url?: string | undefined }

import type { Secret } from '../secret.ts'

export type ResendCredentials = { api_key: Secret }

export type ResendSettings = { base_url?: string | undefined }

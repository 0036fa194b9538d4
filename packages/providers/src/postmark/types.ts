import type { Secret } from '../lib/secret.ts'

export type PostmarkCredentials = { server_token: Secret }

export type PostmarkSettings = { message_stream?: string | undefined; base_url?: string | undefined }

export function endpoint(chosen: PostmarkSettings): string {
  return chosen.base_url ?? 'https://api.postmarkapp.com'
}

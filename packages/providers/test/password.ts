import { hookUser } from '../src/lib/hook-checks.ts'
import type { Signing } from './events.ts'

const passwords = ['password-of-hooks-0', 'password-of-hooks-1'] as const

/** Secrets of a provider that signs nothing, as they are stored. */
export const passwordsStored = [{ password: passwords[0] }, { password: passwords[1] }] as const

/** Sends a body along with the password, in one of the ways that are taken. */
export function accompany(way: 'basic' | 'bearer' | 'field') {
  return (body: Buffer, { secret }: Signing) => {
    const password = passwords[secret]
    const basic = Buffer.from(`${hookUser}:${password}`).toString('base64')
    const headers = {
      basic: { authorization: `Basic ${basic}` },
      bearer: { authorization: `Bearer ${password}` },
      field: { 'x-lettergate-secret': password },
    }[way]
    return { url: 'https://mail.example.com/v1/hooks/con_1/token', headers, body }
  }
}

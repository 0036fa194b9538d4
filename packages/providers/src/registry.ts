import { createCapture } from './capture/index.ts'
import type { Provider } from './provider.ts'
import { createResend } from './resend/index.ts'
import { createSes } from './ses/index.ts'
import { createSmtp } from './smtp/index.ts'

export type ProviderId = 'capture' | 'smtp' | 'ses' | 'resend'

/** Every provider, made anew: a process makes one set, and closes it when it stops. */
export function createProviders(): Record<ProviderId, Provider> {
  return {
    capture: createCapture(),
    smtp: createSmtp(),
    ses: createSes(),
    resend: createResend(),
  }
}

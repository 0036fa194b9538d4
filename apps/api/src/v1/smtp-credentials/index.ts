import type { RouteGroup } from '../../http/add-routes.ts'
import { createSmtpCredentialRoute } from './create-smtp-credential.ts'
import { deleteSmtpCredentialRoute } from './delete-smtp-credential.ts'
import { getSmtpCredentialRoute } from './get-smtp-credential.ts'
import { getSmtpSettingsRoute } from './get-smtp-settings.ts'
import { listSmtpCredentialsRoute } from './list-smtp-credentials.ts'
import { updateSmtpCredentialRoute } from './update-smtp-credential.ts'

/** Two lists of 50 names. */
const BYTES_MAX = 32 * 1024

export const smtpCredentialRoutes: RouteGroup = {
  tag: 'SMTP credentials',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    createSmtpCredentialRoute,
    listSmtpCredentialsRoute,
    getSmtpCredentialRoute,
    updateSmtpCredentialRoute,
    deleteSmtpCredentialRoute,
    getSmtpSettingsRoute,
  ],
}

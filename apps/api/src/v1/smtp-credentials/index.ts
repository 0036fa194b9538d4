import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../../deps.ts'
import { addJsonBody } from '../../http/json-body.ts'
import { addCreateSmtpCredentialRoute } from './create-smtp-credential.ts'
import { addDeleteSmtpCredentialRoute } from './delete-smtp-credential.ts'
import { addGetSmtpCredentialRoute } from './get-smtp-credential.ts'
import { addGetSmtpSettingsRoute } from './get-smtp-settings.ts'
import { addListSmtpCredentialsRoute } from './list-smtp-credentials.ts'
import { addUpdateSmtpCredentialRoute } from './update-smtp-credential.ts'

/** Two lists of 50 names. */
const BYTES_MAX = 32 * 1024

export function addSmtpCredentialRoutes(app: FastifyInstance, deps: ApiDeps): void {
  addJsonBody(app, { ...deps, bytesMax: BYTES_MAX })
  addCreateSmtpCredentialRoute(app, deps)
  addListSmtpCredentialsRoute(app, deps)
  addGetSmtpCredentialRoute(app, deps)
  addUpdateSmtpCredentialRoute(app, deps)
  addDeleteSmtpCredentialRoute(app, deps)
  addGetSmtpSettingsRoute(app, deps)
}

import { createBrevo } from './brevo/index.ts'
import { createCapture } from './capture/index.ts'
import { createDirect } from './direct/index.ts'
import { createGmail } from './gmail/index.ts'
import { createMailgun } from './mailgun/index.ts'
import { createMandrill } from './mandrill/index.ts'
import { createMicrosoft365 } from './microsoft365/index.ts'
import { createPostmark } from './postmark/index.ts'
import type { Provider } from './provider.ts'
import { createResend } from './resend/index.ts'
import { createSendgrid } from './sendgrid/index.ts'
import { environmentKeys } from './ses/identity.ts'
import { createSes } from './ses/index.ts'
import { createSmtp } from './smtp/index.ts'
import { createSparkpost } from './sparkpost/index.ts'

/**
 * New objects of every provider: a process makes one set, and closes it when it stops. `awsEnvironment`: connections to SES without keys
 * use the AWS identity of this process.
 */
export function createProviders({ awsEnvironment = false } = {}) {
  return {
    capture: createCapture(),
    smtp: createSmtp(),
    ses: createSes(awsEnvironment ? environmentKeys() : undefined),
    sendgrid: createSendgrid(),
    mailgun: createMailgun(),
    mandrill: createMandrill(),
    sparkpost: createSparkpost(),
    postmark: createPostmark(),
    resend: createResend(),
    brevo: createBrevo(),
    gmail: createGmail(),
    microsoft365: createMicrosoft365(),
    direct: createDirect(),
  } satisfies Record<string, Provider>
}

export type ProviderId = keyof ReturnType<typeof createProviders>

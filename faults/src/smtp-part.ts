import { startPart } from './gateway.ts'
import { freePort } from './ports.ts'
import type { Managed } from './processes.ts'
import type { Stack } from './stack.ts'
import { type Supervised, supervise } from './supervisor.ts'

export type SmtpPart = { port: number; process: Managed }

/** Settings of an SMTP server beside a stack: one port without AUTH for its first tenant, and one that takes keys without TLS. */
async function smtpEnv(stack: Stack): Promise<{ env: Record<string, string>; open: number; login: number }> {
  const [open, login, metrics] = [await freePort(), await freePort(), await freePort()]
  return {
    open,
    login,
    env: {
      ...stack.env,
      SMTP_PORT: String(login),
      SMTP_PASSWORDS_WITHOUT_TLS: 'on',
      SMTP_SUBMISSION_PORT: 'off',
      SMTP_TLS_PORT: 'off',
      INBOUND_PORT: 'off',
      SMTP_OPEN_PORT: String(open),
      SMTP_OPEN_TENANT: stack.tenant.tenantId,
      SMTP_OPEN_NETWORKS: '127.0.0.1',
      SMTP_METRICS_PORT: String(metrics),
    },
  }
}

/** The SMTP server as a process of its own. */
export async function startSmtpPart(stack: Stack): Promise<SmtpPart & { loginPort: number }> {
  const { env, open, login } = await smtpEnv(stack)
  return { port: open, loginPort: login, process: await startPart('smtp', env) }
}

/** The same, started again after each death, with a fail point in each of its first lives. */
export async function superviseSmtp(
  stack: Stack,
  failpoints: string[],
): Promise<{ port: number; smtp: Supervised }> {
  const { env, open } = await smtpEnv(stack)
  const smtp = await supervise({
    start: (life) => startPart('smtp', { ...env, LG_FAILPOINT: failpoints[life] ?? '' }),
  })
  return { port: open, smtp }
}

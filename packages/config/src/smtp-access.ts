import type { Config } from './config.ts'

/** Where programs reach the SMTP server. Without a certificate, in production, there is no port that begins with TLS. */
export function smtpAccess({ smtp, env }: Config): {
  host: string
  ports: { starttls: number[]; tls: number[] }
} {
  const hasTls = smtp.certificate !== undefined || env === 'development'
  const open = (...ports: (number | undefined)[]) => ports.filter((port) => port !== undefined)
  return {
    host: smtp.name ?? smtp.host,
    ports: { starttls: open(smtp.port, smtp.submissionPort), tls: hasTls ? open(smtp.tlsPort) : [] },
  }
}

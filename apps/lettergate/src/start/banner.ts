import type { DemoKeys, DemoSmtp } from './demo.ts'

export type BannerFacts = {
  apiUrl: string
  /** Of the api and of the worker. */
  metricsUrls: string[]
  dataDir: string
  logDir: string
  smtp: { host: string; ports: (number | undefined)[]; tlsPort: number | undefined; login: DemoSmtp | null }
  inbound: { host: string; port: number | undefined; address: string | null }
  keys: DemoKeys | null
  tookMs: number
}

function sendCommand(apiUrl: string, key: string): string {
  const body = {
    from: 'Demo <demo@example.com>',
    to: 'you@example.org',
    subject: 'Hello from Lettergate',
    text: 'It works.',
  }
  return [
    `curl -s ${apiUrl}/v1/send \\`,
    `  -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(body)}'`,
  ].join('\n')
}

function statusCommand(apiUrl: string, key: string): string {
  return `curl -s '${apiUrl}/v1/messages?limit=1' -H 'Authorization: Bearer ${key}'`
}

/** One line to paste, with the login of the demo tenant. */
export function swaksCommand({ host, ports, login }: BannerFacts['smtp']): string | null {
  const port = ports.find((one) => one !== undefined)
  if (!login || port === undefined) return null
  const { smtp_username: user, smtp_password: password } = login
  return [
    `swaks --server ${host}:${port} --auth CRAM-MD5 --auth-user ${user} --auth-password ${password} \\`,
    "  --from demo@example.com --to you@example.org --header 'Subject: Hello by SMTP' --body 'It works.'",
  ].join('\n')
}

function smtpText({ host, ports, tlsPort }: BannerFacts['smtp']): string {
  const open = ports.filter((port) => port !== undefined).join(' or ')
  const parts = [
    ...(open === '' ? [] : [`${host}:${open}`]),
    ...(tlsPort === undefined ? [] : [`${tlsPort} with TLS`]),
  ]
  return parts.join(', ') || 'off'
}

function inboundText({ host, port, address }: BannerFacts['inbound']): string {
  if (port === undefined) return 'off'
  return address === null ? `${host}:${port}` : `${address} at ${host}:${port}`
}

/** Text printed by `start` once all is up: addresses, and two commands to paste. */
export function banner(facts: BannerFacts, isColoured: boolean): string {
  const bold = (text: string) => (isColoured ? `\u001b[1m${text}\u001b[0m` : text)
  const dim = (text: string) => (isColoured ? `\u001b[2m${text}\u001b[0m` : text)
  const { apiUrl, keys } = facts
  const rows: [string, string][] = [
    ['API', apiUrl],
    ['SMTP', smtpText(facts.smtp)],
    ['Inbound mail', inboundText(facts.inbound)],
    ['Docs', `${apiUrl}/docs`],
    ['Metrics', facts.metricsUrls.join(', ')],
    ...(keys
      ? ([
          ['Live key', keys.live_key],
          ['Test key', keys.test_key],
          ['Operator key', keys.admin_key],
        ] satisfies [string, string][])
      : []),
    ['Data', facts.dataDir],
    ['Logs', facts.logDir],
  ]
  const table = rows.map(([name, value]) => `  ${dim(name.padEnd(13))} ${value}`).join('\n')
  const swaks = swaksCommand(facts.smtp)
  const usage = keys
    ? [
        `Send a message ${dim('(it is captured, not sent, until you add a connection):')}`,
        '',
        sendCommand(apiUrl, keys.live_key),
        '',
        ...(swaks === null
          ? []
          : [
              `By SMTP ${dim('(login of the demo tenant; lettergate info has settings for your program)')}:`,
              '',
              swaks,
              '',
            ]),
        `Read the newest message ${dim('(/v1/messages/ID/explain says why it has its status)')}:`,
        '',
        statusCommand(apiUrl, keys.live_key),
      ]
    : [
        'Create a tenant and its keys: npm run -s lettergate -- tenant create --name NAME --plan standard --json',
      ]
  const ready = `${bold('Lettergate is ready')} ${dim(`after ${(facts.tookMs / 1000).toFixed(1)} s; Ctrl-C stops it.`)}`
  return ['', ready, '', table, '', ...usage, '', ''].join('\n')
}

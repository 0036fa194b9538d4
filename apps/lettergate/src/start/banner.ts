import type { DemoKeys } from './demo-keys.ts'

export type BannerFacts = {
  apiUrl: string
  /** Of the api and of the worker. */
  metricsUrls: string[]
  dataDir: string
  logDir: string
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

/** Text printed by `start` once all is up: addresses, and two commands to paste. */
export function banner(facts: BannerFacts, isColoured: boolean): string {
  const bold = (text: string) => (isColoured ? `\u001b[1m${text}\u001b[0m` : text)
  const dim = (text: string) => (isColoured ? `\u001b[2m${text}\u001b[0m` : text)
  const { apiUrl, keys } = facts
  const rows: [string, string][] = [
    ['API', apiUrl],
    ['Docs', `${apiUrl}/docs`],
    ['Metrics', facts.metricsUrls.join(', of the worker ')],
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
  const usage = keys
    ? [
        `Send a message ${dim('(it is captured, not sent, until you add a connection):')}`,
        '',
        sendCommand(apiUrl, keys.live_key),
        '',
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

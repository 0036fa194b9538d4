import { apiHosts } from '@lettergate/providers/api-hosts'
import type { FastifyInstance } from 'fastify'
import { escapeHtml } from '../reference/markdown.ts'
import { sendPage } from '../reference/page.ts'

const code = (text: string) => `<code>${escapeHtml(text)}</code>`

function providerRows(): string {
  return Object.entries(apiHosts)
    .map(([id, hosts]) => `<dt>${escapeHtml(id)}</dt><dd>${hosts.map(code).join(' ')}</dd>`)
    .join('')
}

/** For people who run a sandbox with an allow list: the host to permit, and what the gateway reaches from its own side. */
export function addEgressPageRoute(app: FastifyInstance): void {
  app.get('/egress', {
    config: { public: 'page' },
    schema: { hide: true },
    handler: (request, reply) => {
      const host = request.hostname.slice(0, 253)
      const isSecure = request.protocol === 'https'
      const port = request.port ?? (isSecure ? 443 : 80)
      return sendPage(
        reply,
        'Egress',
        `<main><h1>What your sandbox has to allow</h1>
<p>One host, by ${isSecure ? 'HTTPS' : 'HTTP'} on port ${port}, and nothing else:</p><pre>${escapeHtml(host)}:${port}</pre>
<p>Sending, polling and events work through a plain HTTP proxy: HTTP/1.0 or 1.1, without cookies, redirects or WebSockets. No connection leads from the gateway to your app unless you ask for callbacks.</p>
<h2>What the gateway reaches for you</h2>
<p>It depends on your plan; ${code('GET /v1/egress')} shows the rules of yours, and ${code('POST /v1/egress/try')} says which rule decides about a host.</p>
<p>Usually the plan ${code('free')} reaches the APIs of the providers below, and ${code('smtp.gmail.com')} on the ports 465 and 587. Other plans reach the public internet: HTTPS on 443; SMTP on 465, 587, 2465, 2525 and 2587. Addresses that are not public are never reached, unless the operator lists them.</p>
<h2>APIs of providers</h2><dl>${providerRows()}</dl></main>`,
      )
    },
  })
}

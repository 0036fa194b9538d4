import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { escapeHtml } from './markdown.ts'

const STYLE = `
:root{color-scheme:light dark;--line:light-dark(#dde3ea,#323b46);--tint:light-dark(#f5f7fa,#1c232b)}
*{box-sizing:border-box}
body{margin:0;font:16px/1.55 system-ui,sans-serif;color:light-dark(#1b2430,#e3e8ee);background:light-dark(#fff,#14191f)}
a{color:light-dark(#0b5cad,#7ab8ff);text-decoration:none}a:hover{text-decoration:underline}
code,pre{font:.875em/1.5 ui-monospace,monospace;background:var(--tint);border-radius:4px}
code{padding:.1em .3em}pre{padding:.9em 1em;overflow:auto;border:1px solid var(--line)}
main{max-width:44rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{line-height:1.2;margin:0 0 .5rem}
`

/** Nothing may run or be loaded, and the one style sheet is known by its hash. */
const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** Sends a page of ours; `body` is HTML. */
export function sendPage(reply: FastifyReply, title: string, body: string): FastifyReply {
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'public, max-age=300')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${escapeHtml(title)}</title><style>${STYLE}</style>${body}</html>`,
    )
}

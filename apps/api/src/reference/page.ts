import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { escapeHtml } from './markdown.ts'

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#1b2430,#e3e8ee);--soft:light-dark(#5a6675,#9aa7b5);--line:light-dark(#dde3ea,#323b46);
--back:light-dark(#fff,#14191f);--tint:light-dark(#f5f7fa,#1c232b);--link:light-dark(#0b5cad,#7ab8ff)}
*{box-sizing:border-box}
body{margin:0;font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--back)}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
code,pre{font:.875em/1.5 ui-monospace,monospace;background:var(--tint);border-radius:4px}
code{padding:.1em .3em}pre{padding:.9em 1em;overflow:auto;border:1px solid var(--line)}
.narrow{max-width:44rem;margin:0 auto;padding:2rem 1.25rem 4rem}
.wide{display:grid;grid-template-columns:17rem minmax(0,52rem);gap:2.5rem;justify-content:center;padding:0 1.25rem}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:2rem 0;font-size:.9rem}
nav h2{font-size:.75rem;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:1.4rem 0 .3rem}
nav a{display:flex;gap:.5rem;padding:.18rem 0;color:inherit}
main{padding:2rem 0 6rem}
h1{line-height:1.2;margin:0 0 .5rem}section{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1.5rem}
section h3{margin:0 0 .2rem;font-size:1.25rem}h4{margin:1.4rem 0 .3rem;font-size:.95rem}
.verb{font:700 .72rem/1.6 ui-monospace,monospace;min-width:3.6em;color:var(--soft)}
.path{font:600 .95rem ui-monospace,monospace;margin:0 0 .6rem}
dl{margin:0;border-left:2px solid var(--line);padding-left:1rem}
dt{margin-top:.65rem}dt b{font:600 .9rem ui-monospace,monospace}dt span{color:var(--soft);font-size:.85rem;margin-left:.5rem}
dd{margin:.1rem 0 0;font-size:.92rem}dd p{margin:.15rem 0}
details{margin:.3rem 0}summary{cursor:pointer;color:var(--link);font-size:.85rem}
@media(max-width:60rem){.wide{display:block}nav{position:static;height:auto}}
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

import { hash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** The page, its Content-Security-Policy, and the one script that it loads. */
export type Reference = { page: string; policy: string; script: Buffer }

/** Allows the script of this origin, and the inline one by its hash. Scalar writes its styles at run time. */
function policyOf(page: string): string {
  const inline = /<script[^<>]*>([^<]+)<\/script>/.exec(page)?.[1] ?? ''
  return (
    `default-src 'none'; script-src 'self' 'sha256-${hash('sha256', inline, 'base64')}'; style-src 'unsafe-inline'; ` +
    `img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  )
}

/** Makes the reference in a thread of its own: Scalar's module takes 30 MB and half a second, and is needed once. */
export async function loadReference(): Promise<Reference> {
  const thread = new Worker(new URL('./render-reference-thread.ts', import.meta.url))
  const [rendered]: { page: string; script: string }[] = await once(thread, 'message')
  if (!rendered) throw new Error('the thread ended without the reference')
  const { page, script } = rendered
  return { page, policy: policyOf(page), script: Buffer.from(script) }
}

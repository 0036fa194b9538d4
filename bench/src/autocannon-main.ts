import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import type { Load, LoadResult } from './load.ts'

/* Load where wrk is missing: the same requests, in a process of its own. Argument: the load as JSON. */

const words = 'lorem ipsum dolor '.repeat(60)
const message = {
  from: 'app@acme.example',
  to: ['user@example.net'],
  subject: 'Hello from the gateway',
  text: words,
  html: `<p>${words}</p>`,
  tags: ['receipt'],
}

const linesOf = (file: string | undefined): string[] =>
  file === undefined ? [] : readFileSync(file, 'utf8').trim().split('\n')

async function run(load: Load): Promise<Omit<LoadResult, 'cpuMicros'>> {
  const paths = linesOf(load.pathsFile)
  const keys = linesOf(load.keysFile)
  const authorization = `Bearer ${load.key}`
  const body = JSON.stringify(load.to === undefined ? message : { ...message, to: [load.to] })
  const sendWith = (key: string) => ({
    method: 'POST' as const,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  })
  const send = sendWith(load.key)
  let clients = 0
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    timeout: 30,
    ...(load.count === undefined ? { duration: load.seconds } : { amount: load.count }),
    ...(paths.length === 0
      ? send
      : { headers: { authorization }, requests: paths.map((path) => ({ method: 'GET' as const, path })) }),
    ...(keys.length > 0 && {
      // Each connection has its part of the keys, so that all of them are in use at the same time.
      setupClient(client: autocannon.Client) {
        const part = clients++ % load.connections
        client.setRequests(keys.filter((_, index) => index % load.connections === part).map(sendWith))
      },
    }),
  })
  return {
    requests: result['2xx'] + result.non2xx,
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    refused: result.non2xx,
    broken: result.errors,
  }
}

process.stdout.write(`RESULT ${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}')))}\n`)

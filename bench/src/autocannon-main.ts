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

async function run(load: Load): Promise<Omit<LoadResult, 'cpuMicros'>> {
  const paths = load.pathsFile === undefined ? [] : readFileSync(load.pathsFile, 'utf8').trim().split('\n')
  const authorization = `Bearer ${load.key}`
  const send = {
    method: 'POST' as const,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(message),
  }
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    timeout: 30,
    ...(load.count === undefined ? { duration: load.seconds } : { amount: load.count }),
    ...(paths.length === 0
      ? send
      : { headers: { authorization }, requests: paths.map((path) => ({ method: 'GET' as const, path })) }),
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

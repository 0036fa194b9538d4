import { loadConfig } from '@lettergate/config/config'
import { isWebhookSecret, newWebhookSecret } from '@lettergate/contracts/webhooks/sign-webhook'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { listen } from '../listen/listen.ts'
import { readDevFile } from '../start/dev-file.ts'
import { parseOptions } from './parse-options.ts'

const httpUrl = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
  message: 'must be a URL that begins with http:// or https://',
})

const ListenOptions = z.object({
  forward: httpUrl,
  api: httpUrl.optional(),
  key: z.string().min(1, 'must not be empty').optional(),
  types: z.string().min(1, 'must not be empty').optional(),
  secret: z.string().refine(isWebhookSecret, 'must be whsec_ and the base64 of 24 to 64 bytes').optional(),
  json: z.boolean().default(false),
})

/** Of the gateway that `start` last ran on this machine. */
function readAccess(given: z.output<typeof ListenOptions>): { apiUrl: string; key: string } {
  const dev = readDevFile(loadConfig().dataDir)
  const [apiUrl, key] = [given.api ?? dev?.api_url, given.key ?? dev?.live_key]
  if (apiUrl === undefined || key === undefined) {
    throw new CliError(
      'there is no gateway to listen to: run "npm start" on this machine first, or give --api and --key',
    )
  }
  const { origin, pathname } = new URL(apiUrl)
  return { apiUrl: `${origin}${pathname.replace(/\/$/, '')}`, key }
}

/** `lettergate listen`: callbacks on a developer's machine, which needs no address of its own. */
export function addListenCommand(program: Command): void {
  program
    .command('listen')
    .description('forward events to a URL on this machine, as callbacks do')
    .requiredOption('--forward <url>', 'where each event is posted, such as http://127.0.0.1:8000/hook')
    .option('--api <url>', 'the gateway, instead of the one that "start" runs on this machine')
    .option('--key <key>', 'an API key with the scope events:read, instead of the live key of "start"')
    .option('--types <types>', 'only these types, separated by commas')
    .option('--secret <secret>', 'sign with this secret (whsec_…) instead of a new one')
    .option('--json', 'print one JSON object a line')
    .action(async (given: unknown) => {
      const options = parseOptions(ListenOptions, given)
      const stop = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
      // The reader of the output has left, such as head.
      process.stdout.on('error', () => stop.abort())
      await listen({
        ...readAccess(options),
        forward: options.forward,
        types: options.types,
        secret: options.secret ?? newWebhookSecret(),
        json: options.json,
        isColoured: process.stdout.isTTY === true,
        signal: stop.signal,
        write: (line) => void process.stdout.write(`${line}\n`),
        warn: (line) => void process.stderr.write(`lettergate: ${line}\n`),
      })
    })
}

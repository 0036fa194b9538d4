import { parseSendRequest } from '@lettergate/contracts/messages/send-request'
import { createPool } from '@lettergate/db/pool'
import { createTenants } from '@lettergate/db/tenant-scope'
import { createAcceptor, createConnectionsCheck, createSubmit } from '../src/accept/index.ts'
import { createFailpoint } from '../src/lib/index.ts'
import { noCallbacks } from './no-callbacks.ts'

/** A process that submits three hundred messages, most of them long, and is killed at the place that its arguments name. */
const [url = '', tenantId = '', failpoint = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
const options = { url, max: 4, applicationName: 'crash', onError }
const submit = createSubmit({
  callbacks: noCallbacks,
  acceptor: createAcceptor({
    pool: createPool(options),
    wakeWorkers: () => {},
    onError,
    failpoint: createFailpoint(failpoint),
  }),
  connectionsCheck: createConnectionsCheck({ tenants: createTenants(options), providers: {} }),
})
const messages = Array.from({ length: 300 }, (_, index) =>
  parseSendRequest({ from: 'app@acme.example', to: `u${index}@example.net`, text: 'x'.repeat(10_000) }),
)
const mime = Buffer.from(`From: app@acme.example\r\n\r\n${'x'.repeat(70)}\r\n`.concat('y'.repeat(900_000)))
const outcome = await submit({
  tenant: { id: tenantId, mode: 'live' },
  messages: [
    ...messages,
    {
      kind: 'mime',
      mime,
      envelope: { from: '', recipients: ['user@example.net'] },
      options: { tags: [], metadata: {}, stream: 'transactional' },
    },
  ],
  atomic: true,
  idempotency: { key: 'crash', route: 'test', bodyHash: Buffer.alloc(32) },
})
process.stdout.write(outcome.kind, () => process.exit(0))

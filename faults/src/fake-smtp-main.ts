import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createFakeSmtp, type FakeSmtpOptions } from './fake-smtp.ts'
import type { SmtpScript } from './fake-smtp-fault.ts'

/*
 * A process of its own, as the fake HTTP provider is. Sends its port once it listens; then each message is a request:
 * `{ id, ask }`, answered by `{ id, answer }`.
 */
export type SmtpRequest = {
  id: number
  ask: 'script' | 'ledger' | 'count' | 'faults'
  script?: SmtpScript | undefined
}

const options: FakeSmtpOptions = JSON.parse(process.argv[2] ?? '{}')
const { server, ledger, script } = createFakeSmtp(options)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.on('message', ({ id, ask, script: given }: SmtpRequest) => {
  const answers = {
    ledger: ledger.entries,
    count: ledger.count,
    faults: ledger.faults,
    script: () => given && script(given),
  }
  process.send?.({ id, answer: answers[ask]() ?? null })
})
const { port } = server.address() as AddressInfo
process.send?.({ port })
process.once('disconnect', () => process.exit(0))

import type { AddressInfo } from 'node:net'
import { createFakeProvider, type FakeProviderOptions } from './fake-provider.ts'

/*
 * A process of its own, so that killing a worker never kills what the worker talks to.
 * Argument: the options as JSON. Prints the port once it listens; ends with the process that started it.
 */
const options: FakeProviderOptions & { port?: number } = JSON.parse(process.argv[2] ?? '{}')
const server = createFakeProvider(options)
server.listen(options.port ?? 0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ port })
})
process.once('disconnect', () => process.exit(0))

import type { Egress } from '@lettergate/egress/egress'
import type { HttpRequest, Provider } from '@lettergate/providers/provider'
import { type Example, settingsAt } from '@lettergate/providers/test/example'
import { type Contender, createSender } from './adapter-sender.ts'
import { forkSink } from './fork-sink.ts'
import { toSinkArguments } from './sink-arguments.ts'

/** An adapter that speaks HTTP, beside the bare requests that it makes for a message. */
export async function openHttpContender(
  provider: Provider,
  example: Example,
  egress: Egress,
): Promise<Contender> {
  const sink = await forkSink('answering-sink-main.ts', toSinkArguments(example))
  const url = `http://127.0.0.1:${sink.port}`
  let recorded: HttpRequest[] | undefined
  const send = createSender(
    provider,
    { credentials: example.credentials, settings: settingsAt(example, url) },
    {
      request: (request) => {
        recorded?.push(request)
        return egress.request(request)
      },
      connect: () => Promise.reject(new Error('HTTP alone')),
    },
  )
  return {
    id: provider.id,
    send,
    async toBare() {
      const requests: HttpRequest[] = []
      recorded = requests
      await send(0)
      recorded = undefined
      return {
        name: requests.length === 1 ? 'bare request' : `${requests.length} bare requests`,
        async run() {
          for (const request of requests) await egress.request(request)
        },
      }
    },
    [Symbol.asyncDispose]: sink[Symbol.asyncDispose],
  }
}

import { once } from 'node:events'
import type { Egress } from '@lettergate/egress/egress'
import type { Provider } from '@lettergate/providers/provider'
import { type Contender, createSender } from './adapter-sender.ts'
import { targetText } from './figure.ts'
import { forkSink } from './fork-sink.ts'
import type { Dialogue } from './smtp-dialogue-sink-main.ts'

const MESSAGES_OVER_ONE_MIN = 50

/** The adapter that speaks SMTP, beside the bare bytes of its dialogue over as many kept sockets. */
export async function openSmtpContender(provider: Provider, egress: Egress): Promise<Contender> {
  await using cleanup = new AsyncDisposableStack()
  const sink = cleanup.use(await forkSink('smtp-dialogue-sink-main.ts'))
  const overheard = once(sink.child, 'message')
  cleanup.defer(() => provider.close?.())
  const endpoint = { host: '127.0.0.1', port: sink.port }
  let [connections, messages] = [0, 0]
  const send = createSender(
    provider,
    { credentials: {}, settings: { ...endpoint, tls: 'none', allow_insecure: true } },
    {
      request: () => Promise.reject(new Error('SMTP alone')),
      connect: (target) => {
        connections++
        return egress.connect(target)
      },
    },
  )
  const started = cleanup.move()
  return {
    id: provider.id,
    send: (number) => {
      messages++
      return send(number)
    },
    async toBare() {
      const [{ turns }] = (await overheard) as [Dialogue]
      const lines: Line[] = []
      while (lines.length < connections) {
        const line = await openLine(egress, endpoint)
        started.defer(line.close)
        lines.push(line)
      }
      const dialogue = turns.map((turn) => Buffer.from(turn, 'base64'))
      let next = 0
      return {
        name: 'bare dialogue',
        run: () => lines[next++ % lines.length]?.hold(dialogue) ?? Promise.resolve(),
      }
    },
    note() {
      const each = Math.floor(messages / connections)
      const target = targetText({ atLeast: MESSAGES_OVER_ONE_MIN })
      return `${messages} messages over ${connections} connections, ${each} a connection (target ${target})`
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

type Line = {
  /** Sends turn after turn, each after the answer to the last; other callers wait. */
  hold(turns: readonly Buffer[]): Promise<void>
  close(): void
}

async function openLine(egress: Egress, endpoint: { host: string; port: number }): Promise<Line> {
  const socket = await egress.connect({ ...endpoint, scheme: 'smtp-plain' })
  let answer = Promise.withResolvers<void>()
  // The sink writes each short answer in one piece: the received bytes are the whole answer.
  socket.on('data', () => answer.resolve())
  socket.on('error', (error) => answer.reject(error))
  socket.on('close', () => answer.reject(new Error('the sink hung up')))
  const say = (turn: string | Buffer) => {
    answer = Promise.withResolvers<void>()
    socket.write(turn)
    return answer.promise
  }
  await answer.promise
  await say('EHLO bench\r\n')
  let last = Promise.resolve()
  return {
    hold(turns) {
      last = last.then(async () => {
        for (const turn of turns) await say(turn)
      })
      return last
    },
    close: () => void socket.destroy(),
  }
}

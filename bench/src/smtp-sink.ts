import { existsSync } from 'node:fs'
import { freePort } from '@lettergate/faults/ports'
import { type Managed, startProcess, untilListening } from '@lettergate/faults/processes'

const SMTP_SINK = '/usr/sbin/smtp-sink'

export type SmtpSink = {
  port: number
  /** Resolves with performance.now() when the last of the expected messages was taken. */
  allReceived: Promise<number>
  stop(): Promise<void>
}

/** Whether the postfix package, which ships smtp-sink and smtp-source, is here. */
export function smtpSinkInstalled(): boolean {
  return existsSync(SMTP_SINK)
}

/** smtp-sink ends after `count` messages, so its exit is the time of the last attempt. */
export async function startSmtpSink(count: number): Promise<SmtpSink> {
  const port = await freePort()
  const sink: Managed = startProcess({
    name: 'smtp-sink',
    command: SMTP_SINK,
    args: ['-4', ...unprivileged(), '-M', String(count), '-m', '500', `127.0.0.1:${port}`, '1000'],
  })
  await untilListening(sink, port)
  const allReceived = sink.exited.then((exit) => {
    if (exit.code !== 0) throw new Error(`smtp-sink ended early: ${sink.output()}`)
    return performance.now()
  })
  // A round that failed for another reason stops the sink without ever waiting for this.
  allReceived.catch(() => undefined)
  return { port, allReceived, stop: async () => void (await sink.kill('SIGKILL')) }
}

function unprivileged(): string[] {
  return process.getuid?.() === 0 ? ['-u', 'nobody'] : []
}

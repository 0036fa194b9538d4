import { startProcess } from '@lettergate/faults/processes'

const SESSIONS = 32
const MESSAGE_BYTES = 2_048

/** smtp-source sends 2 kB mails by 32 sessions, kept or one for each mail; answers mails per second. */
export async function pump(
  port: number,
  { count, isKept, to = 'user@example.net' }: { count: number; isKept: boolean; to?: string },
): Promise<number> {
  const start = performance.now()
  const source = startProcess({
    name: 'smtp-source',
    command: '/usr/sbin/smtp-source',
    args: [
      ...['-4', ...(isKept ? ['-d'] : []), '-s', String(SESSIONS), '-m', String(count)],
      ...['-l', String(MESSAGE_BYTES), '-f', 'app@acme.example', '-t', to, `127.0.0.1:${port}`],
    ],
  })
  const { code } = await source.exited
  if (code !== 0) throw new Error(`smtp-source failed: ${source.output()}`)
  return (count / (performance.now() - start)) * 1_000
}

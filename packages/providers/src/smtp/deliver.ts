import type { Io } from '../provider.ts'
import type { Transfer } from './outcome.ts'
import type { Envelope } from './session.ts'
import type { Open, SessionPool } from './session-pool.ts'

/** Hands one message over a session of the pool. */
export async function deliver(
  pool: SessionPool,
  open: Open,
  envelope: Envelope,
  mime: Buffer,
  io: Io,
): Promise<Transfer> {
  for (;;) {
    const lease = await pool.acquire(open, io)
    if ('failure' in lease) return lease.failure
    if (io.beginSignal.aborted) {
      void pool.release(lease.session)
      return { kind: 'busy', reason: 'a connection was ready too late to begin' }
    }
    const transfer = await lease.session.transfer({ ...envelope }, mime, io)
    void pool.release(lease.session)
    // A kept connection that the server had ended meanwhile took nothing: that says nothing about the message.
    if (!lease.reused || io.signal.aborted || !wasStale(transfer)) return transfer
  }
}

function wasStale(transfer: Transfer): boolean {
  if (transfer.kind === 'lost') return !transfer.complete
  return transfer.kind === 'refused' && transfer.phase === 'mail' && transfer.reply.startsWith('421')
}

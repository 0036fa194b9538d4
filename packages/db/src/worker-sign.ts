import { randomInt } from 'node:crypto'

/** Marks the advisory locks of workers among others (the letters "lgwk"). */
export const WORKER_LOCK_CLASS = 0x6c67776b

/** Chooses the number of a worker process; two of a few hundred are hardly ever equal. */
export const newWorkerId = (): number => randomInt(1, 2 ** 31)

/**
 * Session options of a worker: its statements know who asks, and a server whose client vanished without a closing message ends the session,
 * and with it the lock, within half a minute.
 */
export const workerOptions = (workerId: number): string =>
  `-c lettergate.worker=${workerId} -c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3`

/** The number of the asking worker; null in any other session. */
export const ASKING_WORKER = `nullif(current_setting('lettergate.worker', true), '')::int4`

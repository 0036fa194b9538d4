import { createBatcher } from '@lettergate/db/batcher'
import { type Failpoint, repeatTurns, type Wakeable } from '../lib/index.ts'
import { MessageBusy } from './about-message.ts'
import { type ActDeps, type Acted, act } from './act.ts'
import { ForwardUnavailable } from './forward.ts'
import type { MailReader, ReadResult } from './mail-reader.ts'
import { type ClaimedInbound, claimInbound, releaseInbound } from './sql/claim-inbound.ts'
import { countDue } from './sql/count-due.ts'
import { finishInbound } from './sql/finish-inbound.ts'

export type ProcessedInbound = 'done' | 'failed' | 'later' | 'overtaken'

/** To be woken when new mails were stored. Stops when all that is in hand is recorded. */
export type InboundProcessor = Wakeable & {
  /** Mails in hand, and how long the first that waits has, in milliseconds. */
  counts(): { busy: number; oldestMs: number }
}

/** Mails of one worker that are read or acted on, and their bytes. */
const IN_HAND_MAX = 128
const IN_HAND_BYTES = 64 * 1024 * 1024
const LOOK_MS = 1_000
/** Claims whose worker was lost, or that failed, until a mail is put aside unread. */
const TRIES_MAX = 6
const BUSY_MS = 2_000
const laterMs = (tries: number): number => Math.min(5_000 * 2 ** (tries - 1), 600_000)

type Deps = ActDeps & {
  reader: Pick<MailReader, 'read'>
  failpoint: Failpoint
  onProcessed: (result: ProcessedInbound, ms: number) => void
  onError: (error: unknown) => void
}

type Read = { read: ReadResult | null; problem: string | null }

async function readClaimed({ reader }: Deps, claimed: ClaimedInbound): Promise<Read> {
  const { raw, tries, sender, remoteAddress, helo, kind } = claimed
  if (!raw) return { read: null, problem: 'its bytes are gone' }
  if (tries > TRIES_MAX) return { read: null, problem: `it could not be acted on in ${TRIES_MAX} attempts` }
  const read = await reader.read({ raw, kind, session: { sender, remoteAddress, helo } })
  if (!read) return { read: null, problem: 'reading it takes too much time or memory' }
  return { read, problem: read.problem }
}

/**
 * Reads mails that were stored, and acts on them. Safe in any number of processes: a lease gives a mail to one of them, and the record is
 * refused to one that was overtaken. A mail that ends its reader is kept as it came.
 */
export function createInboundProcessor(deps: Deps): InboundProcessor {
  const inHand = new Set<Promise<void>>()
  let bytesInHand = 0
  let oldestMs = 0

  const records = createBatcher<Acted, boolean>({
    itemsMax: 100,
    weightMax: 4_000_000,
    weigh: ({ result }) => result.content?.length ?? 0,
    waitingMax: 2 * IN_HAND_MAX,
    async run(acted) {
      const recorded = await finishInbound(
        deps.pool,
        acted.map(({ result }) => result),
        acted.flatMap(({ posts }) => posts),
      )
      return acted.map(({ result }) => recorded.has(result.id))
    },
  })

  async function later(claimed: ClaimedInbound, error: unknown): Promise<void> {
    const isExpected = error instanceof MessageBusy || error instanceof ForwardUnavailable
    if (!isExpected) deps.onError(error)
    await releaseInbound(deps.pool, claimed, isExpected ? BUSY_MS : laterMs(claimed.tries)).catch(
      deps.onError,
    )
  }

  async function handle(claimed: ClaimedInbound): Promise<ProcessedInbound> {
    try {
      const { read, problem } = await readClaimed(deps, claimed)
      await deps.failpoint('after_inbound_read')
      const acted = await act(deps, claimed, read, problem)
      await deps.failpoint('after_inbound_act_before_record')
      if (!(await records.add(acted))) return 'overtaken'
      await deps.failpoint('after_inbound_record')
      return acted.result.state
    } catch (error) {
      await later(claimed, error)
      return 'later'
    }
  }

  function begin(claimed: ClaimedInbound): void {
    const bytes = claimed.raw?.length ?? 0
    const beganAt = performance.now()
    bytesInHand += bytes
    const run = handle(claimed)
      .then((result) => deps.onProcessed(result, performance.now() - beganAt))
      .finally(() => {
        inHand.delete(run)
        bytesInHand -= bytes
        turns.wake()
      })
    inHand.add(run)
  }

  /** Answers whether there may be more. */
  async function claim(): Promise<boolean> {
    // Not one for each that ends: a statement for half of them costs as much.
    if (inHand.size > IN_HAND_MAX / 2 || bytesInHand >= IN_HAND_BYTES) return false
    const limit = IN_HAND_MAX - inHand.size
    const claimed = await claimInbound(deps.pool, { limit, bytesMax: IN_HAND_BYTES - bytesInHand })
    for (const one of claimed) begin(one)
    return claimed.length > 0
  }

  const turns = repeatTurns(
    async () => {
      if (await claim()) return 0
      oldestMs = inHand.size > 0 ? oldestMs : (await countDue(deps.pool, 1)).oldestMs
      return LOOK_MS
    },
    { errorMs: LOOK_MS, onError: deps.onError },
  )

  return {
    ...turns,
    counts: () => ({ busy: inHand.size, oldestMs }),
    async stop() {
      await turns.stop()
      await Promise.all(inHand)
    },
  }
}

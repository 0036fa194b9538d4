import { permitsFrom } from '@lettergate/contracts/keys/from-domains'
import type { NewMessage } from '@lettergate/contracts/messages/send-request'
import { Problem } from '@lettergate/contracts/problems/problems'
import { toPointer } from '@lettergate/contracts/problems/validation-issues'
import { createTurn, fromStorage } from '../lib/index.ts'
import type { LimitsReader } from '../plans/index.ts'
import { type QuotaState, quotaExceeded } from '../usage/index.ts'
import type { AcceptOutcome, Acceptor } from './accept.ts'
import type { AddressesCheck } from './check-addresses.ts'
import type { ConnectionsCheck } from './check-capabilities.ts'
import { fromKept, toKept } from './kept-problems.ts'
import { planProblem } from './plan-problem.ts'
import { problemAt } from './problem-at.ts'
import { readMimeMessage } from './read-mime-message.ts'
import type { Submission, Submit, SubmitOutcome } from './submission.ts'

type Judged = NewMessage | Problem

/** What messages with a URL of their own need. */
export type Callbacks = {
  /** Why the URL must not be called for this tenant, by its name alone; null: it may. */
  refusal(tenantId: string, url: string): Promise<string | null>
  /** Makes sure that the events of such messages are looked for, before the first of them is stored. */
  prepare(owner: { tenantId: string; mode: 'live' | 'test' }): Promise<void>
}

async function urlProblem(
  callbacks: Callbacks,
  tenantId: string,
  { callbackUrl }: NewMessage,
  pointer: string,
): Promise<Problem | null> {
  if (callbackUrl === undefined) return null
  const detail = await fromStorage(callbacks.refusal(tenantId, callbackUrl))
  if (detail === null) return null
  const at = `${pointer}${toPointer(['callback_url'])}`
  return problemAt('url-not-allowed', at, detail)
}

function senderProblem(
  permitted: readonly string[] | undefined,
  { from }: NewMessage,
  pointer: string,
): Problem | null {
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  if (permitted === undefined || permitsFrom(permitted, domain)) return null
  const at = `${pointer}${toPointer(['from'])}`
  const detail = `mail sent with this key must be from ${permitted.join(', ')}`
  return problemAt('sender-not-allowed', at, detail)
}

function isMessage(entry: Judged): entry is NewMessage {
  return !(entry instanceof Problem)
}

/** Where a message stands in the request, for the pointers of its problems. */
function pointerOf({ messages, atomic }: Submission, index: number): string {
  return atomic && messages.length === 1 ? '#' : `#/messages/${index}`
}

/** Reads the mails that clients wrote; the other entries stay as they are. */
async function readMimes(submission: Submission): Promise<Judged[]> {
  const read: Judged[] = []
  const turn = createTurn()
  for (const [index, entry] of submission.messages.entries()) {
    read.push('kind' in entry ? await readMimeMessage(entry, pointerOf(submission, index)) : entry)
    await turn()
  }
  return read
}

function refused(problem: Problem): SubmitOutcome {
  return { kind: 'refused', problem, quota: null }
}

function toOutcome(outcome: AcceptOutcome, judged: readonly Judged[]): SubmitOutcome {
  switch (outcome.kind) {
    case 'accepted': {
      const { replayed, createdAt, quota } = outcome
      const problems = replayed ? fromKept(outcome.extra, judged) : judged
      const stored = outcome.messages.values()
      const results = problems.map((entry) => {
        if (entry instanceof Problem) return entry
        const { value } = stored.next()
        if (!value) throw new Error('fewer messages were accepted than given')
        return value
      })
      return { kind: replayed ? 'replayed' : 'accepted', results, createdAt, quota }
    }
    case 'quota-exceeded': {
      const { quota } = outcome
      return { kind: 'refused', problem: quotaExceeded(quota, outcome), quota }
    }
    case 'key-reused':
      return refused(new Problem('idempotency-key-reused'))
    case 'key-in-progress':
      return refused(new Problem('idempotency-key-in-progress', { headers: { 'retry-after': '1' } }))
  }
}

/**
 * Accepts what a way in was asked to send: checks the messages, answers a repeat as the first request was answered, and stores the
 * messages in one transaction.
 */
export function createSubmit(deps: {
  acceptor: Pick<Acceptor, 'accept' | 'replay'>
  connectionsCheck: ConnectionsCheck
  /** Absent: addresses are not looked at. */
  addresses?: AddressesCheck
  callbacks: Callbacks
  /** The limits of a message; absent: none. */
  limits?: LimitsReader
  /** Gets the counters that a statement has just changed. */
  onQuota?: (owner: { tenantId: string; mode: string }, quota: QuotaState) => void
}): Submit {
  async function addressFault(
    { tenant }: Submission,
    message: NewMessage,
    pointer: string,
    warnings: Map<object, string[]>,
  ): Promise<Problem | null> {
    const judged = await deps.addresses?.judge(tenant, message, pointer)
    if (judged && judged.warnings.length > 0) warnings.set(message, judged.warnings)
    return judged?.problem ?? null
  }

  async function judge(submission: Submission, warnings: Map<object, string[]>): Promise<Judged[]> {
    const read = await readMimes(submission)
    const limits = await deps.limits?.limitsOf(submission.tenant.id)
    async function judgeOne(entry: Judged, index: number): Promise<Judged> {
      if (!isMessage(entry)) return entry
      const pointer = pointerOf(submission, index)
      const fault =
        senderProblem(submission.fromDomains, entry, pointer) ??
        (limits && planProblem(limits, entry, pointer)) ??
        (await urlProblem(deps.callbacks, submission.tenant.id, entry, pointer)) ??
        (await addressFault(submission, entry, pointer, warnings)) ??
        (await deps.connectionsCheck.findFault(submission.tenant.id, entry, pointer, submission.tenant.mode))
      return fault ?? entry
    }
    const judged: Promise<Judged>[] = []
    const turn = createTurn()
    for (const [index, entry] of read.entries()) {
      const one = judgeOne(entry, index)
      // Its failure is heard below, once all have begun.
      one.catch(() => undefined)
      judged.push(one)
      await turn()
    }
    return Promise.all(judged)
  }

  /**
   * A repeat gets the first answer, also where its messages would be refused by now: their `send_at` may have passed, or their
   * connection may be gone.
   */
  async function replay(
    { tenant, idempotency }: Submission,
    judged: Judged[],
  ): Promise<SubmitOutcome | null> {
    const before = idempotency && (await deps.acceptor.replay(tenant, idempotency))
    return before ? toOutcome(before, judged) : null
  }

  async function submit(submission: Submission): Promise<SubmitOutcome> {
    const { tenant, atomic, idempotency, until } = submission
    const warnings = new Map<object, string[]>()
    const judged = await judge(submission, warnings)
    const messages = judged.filter(isMessage)
    const refusal = judged.find((entry) => entry instanceof Problem)
    if (refusal && (atomic || messages.length === 0)) {
      const before = await replay(submission, judged)
      if (before) return before
      if (atomic) return refused(refusal)
      return { kind: 'none-accepted', problems: judged.filter((entry) => entry instanceof Problem) }
    }
    if (messages.some(({ callbackUrl }) => callbackUrl !== undefined)) {
      await deps.callbacks.prepare({ tenantId: tenant.id, mode: tenant.mode })
    }
    const outcome = await deps.acceptor.accept(tenant, {
      messages,
      warnings: messages.map((message) => warnings.get(message) ?? []),
      ...(until !== undefined && { until }),
      ...(idempotency && { idempotency: { ...idempotency, ...(!atomic && { extra: judged.map(toKept) }) } }),
    })
    if ('quota' in outcome && outcome.quota)
      deps.onQuota?.({ tenantId: tenant.id, mode: tenant.mode }, outcome.quota)
    return toOutcome(outcome, judged)
  }

  return async (submission) => {
    try {
      return await submit(submission)
    } catch (error) {
      if (error instanceof Problem && error.status === 503) return { kind: 'unavailable', problem: error }
      throw error
    }
  }
}

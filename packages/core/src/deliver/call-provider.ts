import type { Tenants } from '@lettergate/db/tenant-scope'
import { EncodeFailed } from '@lettergate/providers/lib/encode-large'
import { withoutSecrets } from '@lettergate/providers/lib/redact'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import type { SendOutcome } from '@lettergate/providers/provider'
import { type Candidate, createIo, type IoDeps, ownerOf } from '../connections/index.ts'
import { CALL_DEADLINE_MS, retryQuery, SENDING_LEASE_MS } from '../lib/index.ts'
import { type Deadlines, startDeadlines } from './call-deadlines.ts'
import { formOfCall } from './carried-of.ts'
import { foldRecipients, unfoldOutcome } from './fold-recipients.ts'
import { toOutbound } from './outbound-message.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'
import { type ReturnPaths, withSender } from './with-sender.ts'

export type Calls = {
  /** Makes one call; an adapter that throws yields an outcome too. `fencedAt`: of `performance.now()`. */
  call(attempt: {
    message: LoadedMessage
    carried: LoadedRecipient[]
    candidate: Candidate
    attempt: number
    fencedAt: number
  }): Promise<SendOutcome>
  /** Aborts the calls in progress; each is recorded with its known outcome. */
  abort(): void
  /** Whether calls were aborted: later outcomes do not concern the provider. */
  isAborted(): boolean
}

/** Retries reading the mail for this long, which leaves time for the call. */
const READ_MS = 8_000

/** Why the tenant of a connection may not use it now; null: nothing is known against it. */
async function findRefusal(
  deps: IoDeps,
  { connectionsVersion }: LoadedMessage,
  tenantId: string,
  { provider, connection }: Candidate,
): Promise<{ code: 'provider-egress-refused' | 'provider-unreachable'; reason: string } | null> {
  const egress = deps.egress.forTenant(tenantId, connectionsVersion)
  for (const target of provider.targets(connection.settings)) {
    const byName = await egress.checkTarget(target)
    const isOpen = byName.ok && byName.rule === 'listed-addresses'
    const verdict = isOpen ? await egress.checkResolvedTarget(target) : byName
    if (verdict.ok) continue
    const code = verdict.part === 'unresolved' ? 'provider-unreachable' : 'provider-egress-refused'
    return { code, reason: verdict.reason }
  }
  return null
}

export function createCalls(
  deps: IoDeps & { tenants: Tenants; returnPaths?: ReturnPaths; onError: (error: unknown) => void },
): Calls {
  const running = new Set<Deadlines>()
  let aborted = false
  return {
    async call({ message, carried, candidate, attempt, fencedAt }) {
      const deadlines = startDeadlines(fencedAt)
      running.add(deadlines)
      const owner = ownerOf(message.tenantId, candidate)
      const io = createIo(deps, deadlines, { owner, deadlineMs: CALL_DEADLINE_MS, attempt })
      let called = false
      try {
        const tenant = deps.tenants.forTenant(message.tenantId)
        const form = formOfCall(message, carried, candidate.provider.capabilities)
        if ('incompatibility' in form)
          return toFailure('provider-cannot-express', `the mail ${form.incompatibility}`)
        const plain = await retryQuery(() => toOutbound(tenant, message, { pending: carried, ...form }), {
          until: () => (aborted ? 0 : fencedAt + READ_MS),
          onError: deps.onError,
        })
        const outbound = withSender(plain, message, carried, candidate.domains, deps.returnPaths)
        // A suspended process may have lost its lease to the sweeper.
        if (performance.now() - fencedAt > SENDING_LEASE_MS / 2)
          return toFailure('recipient-deferred', 'the worker was suspended before it could send')
        const { provider, connection } = candidate
        // At each attempt, and not only when a socket opens: sessions that are open already are used again.
        const refusal = owner && (await findRefusal(deps, message, owner.tenantId, candidate))
        if (refusal) return toFailure(refusal.code, refusal.reason)
        called = true
        if (provider.capabilities.foldsAddressCase !== true)
          return withoutSecrets(await provider.send(outbound, connection, io), connection.credentials)
        const { message: folded, twins } = foldRecipients(outbound)
        const outcome = await provider.send(folded, connection, io)
        return withoutSecrets(unfoldOutcome(outcome, twins, folded.envelopeTo), connection.credentials)
      } catch (error) {
        deps.onError(error)
        // Before anything was sent, the error is internal and does not concern the connection.
        const code = called && !(error instanceof EncodeFailed) ? 'outcome-unknown' : 'recipient-deferred'
        return toFailure(code, `internal error during attempt ${attempt}`)
      } finally {
        deadlines.clear()
        running.delete(deadlines)
      }
    },
    isAborted: () => aborted,
    abort() {
      aborted = true
      for (const deadlines of running) deadlines.abort(new Error('the worker stops'))
    },
  }
}

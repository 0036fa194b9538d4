import type { Tenants } from '@lettergate/db/tenant-scope'
import type { TenantEgress } from '@lettergate/egress/egress'
import type { Refusal } from '@lettergate/egress/guard'
import { EncodeFailed } from '@lettergate/providers/lib/encode-large'
import { withoutSecrets } from '@lettergate/providers/lib/redact'
import { toFailure } from '@lettergate/providers/lib/to-failure'
import type { SendOutcome } from '@lettergate/providers/provider'
import { type Candidate, createIo, type IoDeps, ownerOf } from '../connections/index.ts'
import { CALL_DEADLINE_MS, retryQuery, SENDING_LEASE_MS } from '../lib/index.ts'
import { formOfCall } from './carried-of.ts'
import { type Deadlines, startDeadlines } from './deadlines.ts'
import { foldRecipients, unfoldOutcome } from './fold-recipients.ts'
import { toOutbound } from './outbound-message.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

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

/** The first target of a connection that its tenant may not reach, by its name alone; null: there is none. */
async function findRefusal(
  egress: TenantEgress,
  { provider, connection }: Candidate,
): Promise<Refusal | null> {
  for (const target of provider.targets(connection.settings)) {
    const verdict = await egress.checkTarget(target)
    if (!verdict.ok) return verdict
  }
  return null
}

export function createCalls(deps: IoDeps & { tenants: Tenants; onError: (error: unknown) => void }): Calls {
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
        const outbound = await retryQuery(() => toOutbound(tenant, message, { pending: carried, ...form }), {
          until: () => (aborted ? 0 : fencedAt + READ_MS),
          onError: deps.onError,
        })
        // A suspended process may have lost its lease to the sweeper.
        if (performance.now() - fencedAt > SENDING_LEASE_MS / 2)
          return toFailure('recipient-deferred', 'the worker was suspended before it could send')
        const { provider, connection } = candidate
        // At each attempt, and not only when a socket opens: sessions that are open already are used again.
        const refusal = owner && (await findRefusal(deps.egress.forTenant(owner.tenantId), candidate))
        if (refusal) return toFailure('provider-egress-refused', refusal.reason)
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

import { toPublicId } from '@lettergate/contracts/lib/ids'
import { failureHelp } from '@lettergate/contracts/problems/failure-codes'
import type { EventsRegistration } from '@lettergate/contracts/provider-events/responses'
import type { EventsState } from '@lettergate/core/provider-events'

const timeOf = (date: Date | null | undefined) => date?.toISOString() ?? null

/** Presents where a provider sends the events of a connection. */
export function presentRegistration(connectionId: string, state: EventsState): EventsRegistration {
  const { hook, problem } = state
  return {
    connection_id: toPublicId('con', connectionId),
    provider: state.provider,
    registered: state.registered,
    registered_at: timeOf(hook?.registeredAt),
    url: state.url,
    old_urls_until: timeOf(state.oldUrlsUntil),
    problem: problem && { ...problem, help: failureHelp(problem.code) },
    steps: state.steps,
    notes: state.notes,
    last_event_at: timeOf(hook?.lastEventAt),
    refused: hook?.refused ?? 0,
    last_refused_at: timeOf(hook?.lastRefusedAt),
    last_refusal: hook?.lastRefusal ?? null,
  }
}

import type { EventDetail } from '../lib/provider-event.ts'
import type { RecipientRefusal } from '../provider.ts'

/** What the provider answers at an attempt; absent: it accepts. */
type Answer = Omit<RecipientRefusal, 'address'>

/** The life of the mail to one address of the sandbox. */
type Play = {
  /** `attempt`: from 1. */
  answer?: (attempt: number) => Answer | null
  /** What the provider reports after it accepted, in order. */
  reports: readonly (EventDetail & { reason?: string })[]
}

const delivered = { kind: 'delivered', reason: '250 2.0.0 sandbox: delivered' } as const
const opened = { kind: 'opened', byMachine: false, userAgent: 'Sandbox' } as const

/** Attempts at `deferred@` that fail. */
const deferrals = 2
const deferralMs = 1_000

const plays: Record<string, Play> = {
  delivered: { reports: [delivered] },
  bounced: { reports: [{ kind: 'bounced', bounce: 'hard', reason: '550 5.1.1 sandbox: no such mailbox' }] },
  'soft-bounced': {
    reports: [{ kind: 'bounced', bounce: 'soft', reason: '552 5.2.2 sandbox: the mailbox is full' }],
  },
  complained: { reports: [delivered, { kind: 'complained' }] },
  opened: { reports: [delivered, opened] },
  clicked: {
    reports: [
      delivered,
      opened,
      { kind: 'clicked', byMachine: false, userAgent: 'Sandbox', url: 'https://sandbox.lettergate.dev/link' },
    ],
  },
  unsubscribed: { reports: [delivered, { kind: 'unsubscribed' }] },
  deferred: {
    answer: (attempt) =>
      attempt > deferrals
        ? null
        : {
            kind: 'deferred',
            code: 'recipient-deferred',
            reason: '451 4.7.1 sandbox: try again later',
            retryAfterMs: deferralMs,
          },
    reports: [delivered],
  },
  rejected: {
    answer: () => ({
      kind: 'rejected',
      code: 'recipient-refused',
      reason: '550 5.1.1 sandbox: no such mailbox',
    }),
    reports: [],
  },
  unknown: {
    answer: () => ({
      kind: 'rejected',
      code: 'outcome-unknown',
      reason: 'sandbox: no answer came after the message was sent',
    }),
    reports: [],
  },
}

const domain = '@sandbox.lettergate.dev'

/** The names of the sandbox, before the @. */
export const sandboxNames = Object.keys(plays)

/** What mail to an address lives through; anything behind a + makes addresses of the same life. */
export function playOf(address: string): Play {
  const folded = address.toLowerCase()
  const [name = ''] = folded.slice(0, -domain.length).split('+')
  const own = folded.endsWith(domain) && Object.hasOwn(plays, name) ? plays[name] : undefined
  return own ?? { reports: [delivered] }
}

import type { Outgoing } from '../src/client.ts'
import type { Random } from '../src/seed.ts'

/** One request to come; `repeat`: whether its client asks under the same key again. */
export type Piece = {
  tenant: number
  outgoing: Outgoing
  repeat: 'no' | 'later' | 'at-once'
  /** Base64 characters of its attachments. */
  attached: number
}

/** Of a thousand. */
const SEVERAL_RECIPIENTS = 150
const WITH_ATTACHMENT = 20
const SCHEDULED = 20
const REPEATED_LATER = 30
const REPEATED_AT_ONCE = 10

const SCHEDULE_MS_MIN = 5_000
const SCHEDULE_MS_MAX = 40_000
const TEXT = 'The quick brown fox jumps over the lazy dog, and the parcel will be there tomorrow.\n'.repeat(
  48,
)
const ATTACHMENT = Buffer.alloc(48_000, 'Lettergate ').toString('base64')

/** Mail of several tenants of unequal size, drawn from the seed: short and long, to one and to some, now and later. */
export function createTraffic(
  random: Random,
  shares: readonly number[],
): (index: number, now: Date) => Piece {
  const total = shares.reduce((sum, share) => sum + share, 0)
  const chance = (ofThousand: number) => random.below(1_000) < ofThousand

  function drawTenant(): number {
    let rest = random.below(total)
    return shares.findIndex((share) => {
      rest -= share
      return rest < 0
    })
  }

  function drawRepeat(): Piece['repeat'] {
    if (chance(REPEATED_AT_ONCE)) return 'at-once'
    return chance(REPEATED_LATER) ? 'later' : 'no'
  }

  return (index, now) => {
    const count = chance(SEVERAL_RECIPIENTS) ? 2 + random.below(4) : 1
    const to = Array.from({ length: count }, (_, position) => `user${index}-${position}@example.net`)
    const text = TEXT.slice(0, 200 + random.below(TEXT.length - 200))
    const attachments = chance(WITH_ATTACHMENT)
      ? [
          {
            filename: 'invoice.txt',
            content: ATTACHMENT.slice(0, 4 * (1 + random.below(ATTACHMENT.length / 4))),
          },
        ]
      : []
    const delayMs = SCHEDULE_MS_MIN + random.below(SCHEDULE_MS_MAX - SCHEDULE_MS_MIN)
    const sendAt = chance(SCHEDULED) ? { sendAt: new Date(now.getTime() + delayMs) } : {}
    return {
      tenant: drawTenant(),
      outgoing: { idempotencyKey: `soak-${index}`, to, ...sendAt, fields: { text, attachments } },
      repeat: drawRepeat(),
      attached: attachments[0]?.content.length ?? 0,
    }
  }
}

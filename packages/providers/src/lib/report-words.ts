import { classifyBounce } from './bounce-class.ts'
import type { ProviderEvent } from './provider-event.ts'
import type { ReportContext } from './report-context.ts'
import { enhancedStatusIn, toEvent } from './to-event.ts'

const recipientsMax = 50
const charsMax = 32_768
const reasonLinesMax = 6

/** After these lines comes the message itself, whose text is not the server's. */
const copyBegins =
  /^(?:-{2,} ?(?:below this line|this is a copy of|the header of the original|original message|returned message|unsent message|undelivered message)|return-path: |received: )/i
/** `<a@b.c>:` of qmail, `a@b.c` alone of Exim, `a@b.c on 20/11/2026 10:00` of old Exchange. */
const recipientLine = /^\s*<?([^\s<>()",;:]{1,64}@[^\s<>()",;:]{1,255})>?(?:\s+on\s+\S.{0,60}|:?)\s*$/
const delayWords =
  /\b(?:warning message only|has been delayed|will be retried|still trying|could not be delivered yet|not yet been delivered)\b/i

/** Bounces in a server's own words, without a report for machines: an event for each recipient that is named on a line of its own. */
export function readWords(text: string, failed: readonly string[], context: ReportContext): ProviderEvent[] {
  const lines = text.slice(0, charsMax).replaceAll('\r', '').split('\n')
  const end = lines.findIndex((line) => copyBegins.test(line))
  const said = end < 0 ? lines : lines.slice(0, end)
  const isDelay = delayWords.test(said.join(' ').slice(0, 4_096))
  const found = recipientsIn(said)
  const unnamed = failed.filter((address) => !found.some(({ recipient }) => isSame(recipient, address)))
  const whole = said.join(' ')
  const all = [
    ...found,
    ...unnamed.map((recipient) => ({ recipient, reason: afterNameIn(whole, recipient) })),
  ]
  return all.slice(0, recipientsMax).map(({ recipient, reason }) => {
    const words = Buffer.from(reason, 'latin1').toString()
    const status = enhancedStatusIn(words)
    const bounce = classifyBounce(status, words) ?? 'soft'
    return toEvent(
      isDelay ? { kind: 'deferred' } : { kind: 'bounced', bounce },
      {
        at: context.at,
        recipient,
        messageId: context.messageId,
        mimeMessageId: context.mimeMessageId,
        reason: words,
        enhancedStatus: status,
      },
      context.receivedAt,
    )
  })
}

/** An address on a line of its own, and the lines below it up to the next one. */
function recipientsIn(lines: readonly string[]): { recipient: string; reason: string }[] {
  const found: { recipient: string; reason: string[] }[] = []
  for (const line of lines) {
    const recipient = line.length < 400 ? recipientLine.exec(line)?.[1] : undefined
    if (recipient !== undefined) {
      if (found.length >= recipientsMax) break
      found.push({ recipient, reason: [] })
      continue
    }
    const last = found.at(-1)
    if (last && line.trim() !== '' && last.reason.length < reasonLinesMax) last.reason.push(line.trim())
  }
  return found.map(({ recipient, reason }) => ({ recipient, reason: reason.join(' ') }))
}

function afterNameIn(whole: string, recipient: string): string {
  const at = whole.toLowerCase().indexOf(recipient.toLowerCase())
  return at < 0 ? '' : whole.slice(at + recipient.length, at + recipient.length + 500)
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

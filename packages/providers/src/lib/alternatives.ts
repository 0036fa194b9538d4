import type { Alternative, OutboundAttachment } from '../provider.ts'

const ampType = /^text\/x-amp-html\s*(?:;|$)/i
const methodPattern = /^text\/calendar\s*;(?:.*;)?\s*method="?([a-z][a-z-]*)/i
const charsetPattern = /;\s*charset\s*=/i

/** The special form that a type gives an attachment; undefined: an ordinary file. */
export function alternativeOf(contentType: string): Alternative | undefined {
  if (ampType.test(contentType)) return 'amp'
  return methodPattern.test(contentType) ? 'calendar' : undefined
}

/** The method of an invitation, such as REQUEST (https://www.rfc-editor.org/rfc/rfc6047#section-2.4). */
export function methodOf(contentType: string): string | undefined {
  return methodPattern.exec(contentType)?.[1]?.toUpperCase()
}

export type Divided = {
  amp?: OutboundAttachment | undefined
  /** The first invitation: a reader shows one. */
  calendar?: OutboundAttachment | undefined
  /** The attachments, in the order of the message. */
  files: OutboundAttachment[]
}

/**
 * Divides attachments into forms of the message and files. An invitation is both, as calendars of Google, Yahoo and Thunderbird send it:
 * some readers look for it among the forms alone, others among the files; under `application/ics` a reader that sees both takes the
 * file for no second invitation.
 */
export function divide(attachments: readonly OutboundAttachment[]): Divided {
  const kinds = attachments.map(({ contentType }) => alternativeOf(contentType))
  const calendarAt = kinds.indexOf('calendar')
  const calendar = attachments[calendarAt]
  const files = attachments.flatMap((file, index) => {
    if (kinds[index] === 'amp') return []
    return index === calendarAt ? [toFile(file)] : [file]
  })
  return {
    amp: attachments[kinds.indexOf('amp')],
    calendar: calendar && { ...calendar, contentType: withCharset(calendar.contentType) },
    files,
  }
}

function toFile({ filename, content }: OutboundAttachment): OutboundAttachment {
  return { filename, content, contentType: 'application/ics', disposition: 'attachment' }
}

/** Calendars are UTF-8 where they say nothing else, but readers guess: https://www.rfc-editor.org/rfc/rfc6047#section-2.4 asks for it. */
function withCharset(contentType: string): string {
  return charsetPattern.test(contentType) ? contentType : `${contentType}; charset=utf-8`
}

import type { OutboundMessage } from '../provider.ts'

// Fields beyond these are refused with the whole message: https://postmarkapp.com/support/article/1125-custom-metadata-faq
const fieldsMax = 10
const keyCharsMax = 20
const valueCharsMax = 80

type Entry = readonly [key: string, value: string]

/**
 * The data that comes back with every event, and that recipients never see: our id, the tags after the first as
 * `lg_tags`, the metadata unchanged, and metadata that does not fit a field as one URL-encoded text in `lg_more`. Entries beyond that are counted in `lg_left_out`: a header could carry it, but would show it to the recipients.
 */
export function toMetadata(message: OutboundMessage): Record<string, string> {
  const own: Entry[] = [['lg_id', message.id], ...slices('lg_tags', message.tags.slice(1).join(','))]
  const entries = Object.entries(message.metadata)
  const room = fieldsMax - own.length
  const whole = placed(entries, room)
  const folded = slices('lg_more', encode(entries, whole))
  if (whole.length + folded.length <= room) return Object.fromEntries([...own, ...whole, ...folded])
  const kept = placed(entries, room - 1)
  const leftOut: Entry = ['lg_left_out', String(entries.length - kept.length)]
  return Object.fromEntries([...own, ...kept, leftOut])
}

/** The first entries that can be sent unchanged; keys that differ only in case count as the same. */
function placed(entries: Entry[], room: number): Entry[] {
  const taken = new Set<string>()
  return entries.filter(([key, value]) => {
    const name = key.toLowerCase()
    const fits = key.length <= keyCharsMax && value.length <= valueCharsMax && !name.startsWith('lg_')
    if (!fits || taken.has(name) || taken.size >= room) return false
    taken.add(name)
    return true
  })
}

function encode(entries: Entry[], without: Entry[]): string {
  const rest = entries.filter((entry) => !without.includes(entry))
  return new URLSearchParams(rest.map(([key, value]) => [key, value])).toString()
}

/** A text over as many fields as it needs: `name`, `name_2`, … */
function slices(name: string, text: string): Entry[] {
  const count = Math.ceil(text.length / valueCharsMax)
  return Array.from({ length: count }, (_, at) => [
    at === 0 ? name : `${name}_${at + 1}`,
    text.slice(at * valueCharsMax, (at + 1) * valueCharsMax),
  ])
}

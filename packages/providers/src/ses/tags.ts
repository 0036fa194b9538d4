import type { OutboundMessage } from '../provider.ts'

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
const tagCharsMax = 256
const tagsMax = 49

/** Data that returns with every event: our id and the message's tags. */
export function emailTags({ id, tags }: OutboundMessage): { Name: string; Value: string }[] {
  return [
    { Name: 'lg_id', Value: fold(id) },
    ...tags.slice(0, tagsMax).map((tag, at) => ({ Name: `lg_tag_${at + 1}`, Value: fold(tag) })),
  ]
}

function fold(value: string): string {
  return value.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, tagCharsMax)
}

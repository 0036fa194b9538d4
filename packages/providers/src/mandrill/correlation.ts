import { toAsciiJson } from '../lib/ascii-json.ts'
import { fitMetadata } from '../lib/fit-metadata.ts'
import type { OutboundMessage } from '../provider.ts'

// https://mailchimp.com/developer/transactional/docs/tags-metadata/
const ownTag = /^[^_].{0,49}$/
const metadataBytesMax = 250

/** Data that returns with every event, as header fields without their `X-MC-`; tags that Mandrill refuses go into the metadata. */
export function correlationFields(message: OutboundMessage, carriesMetadata: boolean): [string, string][] {
  const tags = message.tags.filter((tag) => ownTag.test(tag))
  const folded = message.tags.filter((tag) => !ownTag.test(tag))
  const carried = carriesMetadata ? message : { ...message, metadata: {} }
  const metadata = fitMetadata(carried, folded, { bytesMax: metadataBytesMax, toJson: toAsciiJson, keyOf })
  const field: [string, string] = ['Metadata', toAsciiJson(metadata)]
  return tags.length > 0 ? [field, ['Tags', tags.join(',')]] : [field]
}

/** A key may not begin with an underscore. */
function keyOf(key: string): string {
  return key.startsWith('_') ? `lg${key}` : key
}

import { limits } from '../lib/limits.ts'
import { textFault } from '../lib/text-rules.ts'
import type { FaultList } from '../problems/faults.ts'
import { metadataKeyPattern, tagPattern } from './send-shape.ts'

/** Checks tags and gives each once. */
export function readTags(tags: readonly string[] | undefined, faults: FaultList): string[] {
  if (tags === undefined) return []
  for (let i = 0; i < tags.length; i += 1) {
    if (!tagPattern.test(tags[i] ?? '')) {
      faults.add(['tags', i], `is not 1 to ${limits.tagLengthMax} letters, digits and _ . : -`)
    }
  }
  return tags.length < 2 ? [...tags] : [...new Set(tags)]
}

/** Checks metadata and gives it back as a record without a prototype. */
export function readMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
  faults: FaultList,
): Record<string, string> {
  const checked: Record<string, string> = Object.create(null)
  if (metadata === undefined) return checked
  let bytes = 0
  for (const [key, value] of Object.entries(metadata)) {
    if (!metadataKeyPattern.test(key)) {
      faults.add(
        ['metadata', key],
        `has a key that is not 1 to ${limits.metadataKeyLengthMax} of A-Z a-z 0-9 _ . : -`,
      )
    }
    const valueBytes = Buffer.byteLength(value)
    if (valueBytes > limits.metadataValueBytesMax) {
      faults.add(['metadata', key], `is larger than ${limits.metadataValueBytesMax} bytes`)
    }
    faults.addIf(['metadata', key], textFault(value))
    bytes += Buffer.byteLength(key) + valueBytes
    checked[key] = value
  }
  if (bytes > limits.metadataBytesMax)
    faults.add(['metadata'], `is larger than ${limits.metadataBytesMax} bytes`)
  return checked
}

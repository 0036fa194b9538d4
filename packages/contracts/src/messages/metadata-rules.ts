import { limits } from '../lib/field-limits.ts'
import { textIssue } from '../lib/text-rules.ts'
import type { ValidationIssues } from '../problems/validation-issues.ts'
import { metadataKeyPattern, tagPattern } from './send-shape.ts'

/** Checks tags and gives each once. */
export function readTags(tags: readonly string[] | undefined, issues: ValidationIssues): string[] {
  if (tags === undefined) return []
  for (let i = 0; i < tags.length; i += 1) {
    if (!tagPattern.test(tags[i] ?? '')) {
      issues.add(['tags', i], `is not 1 to ${limits.tagLengthMax} letters, digits and _ . : -`)
    }
  }
  return tags.length < 2 ? [...tags] : [...new Set(tags)]
}

/** Checks metadata and gives it back as a record without a prototype. */
export function readMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
  issues: ValidationIssues,
): Record<string, string> {
  const checked: Record<string, string> = Object.create(null)
  if (metadata === undefined) return checked
  let bytes = 0
  for (const [key, value] of Object.entries(metadata)) {
    if (!metadataKeyPattern.test(key)) {
      issues.add(
        ['metadata', key],
        `has a key that is not 1 to ${limits.metadataKeyLengthMax} of A-Z a-z 0-9 _ . : -`,
      )
    }
    const valueBytes = Buffer.byteLength(value)
    if (valueBytes > limits.metadataValueBytesMax) {
      issues.add(['metadata', key], `is larger than ${limits.metadataValueBytesMax} bytes`)
    }
    issues.addIf(['metadata', key], textIssue(value))
    bytes += Buffer.byteLength(key) + valueBytes
    checked[key] = value
  }
  if (bytes > limits.metadataBytesMax)
    issues.add(['metadata'], `is larger than ${limits.metadataBytesMax} bytes`)
  return checked
}

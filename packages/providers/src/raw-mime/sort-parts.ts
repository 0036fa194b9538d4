import { alternativeOf } from '../lib/alternatives.ts'
import { decoderOf, encodingOf } from './decode-part.ts'
import { valuesOf } from './head.ts'
import type { Leaf, Parts } from './split-parts.ts'

/** A part that a provider's API would call an attachment. */
export type FilePart = { leaf: Leaf; disposition: 'attachment' | 'inline'; contentId?: string | undefined }

/** A mail as APIs without MIME say it. */
export type SortedParts = {
  text?: Leaf | undefined
  html?: Leaf | undefined
  files: FilePart[]
  /** The part of the mail that cannot be expressed so; null: none. */
  lost: string | null
}

const sayableContainers = new Set(['multipart/mixed', 'multipart/alternative', 'multipart/related'])

const firstWord = (value = '') => value.split(';', 1)[0]?.trim().toLowerCase()
const hasFilename = (value = '') => /;\s*(?:file)?name\*?[0-9]*\*?\s*=/i.test(value)

/** Whether a part is text that a mail program shows, and not a file. */
export function isShown(leaf: Leaf): boolean {
  if (leaf.type !== 'text/plain' && leaf.type !== 'text/html') return false
  const [disposition] = valuesOf(leaf.head, 'content-disposition')
  return (
    firstWord(disposition) !== 'attachment' && !hasFilename(disposition) && !hasFilename(leaf.contentType)
  )
}

/** A part as a file. */
export function toFile(leaf: Leaf): FilePart {
  const [id] = valuesOf(leaf.head, 'content-id')
  const contentId = id && /^<?([^<>\s]+)>?$/.exec(id)?.[1]
  const isInline = contentId !== undefined && contentId !== '' && leaf.within.at(-1) === 'multipart/related'
  return isInline ? { leaf, disposition: 'inline', contentId } : { leaf, disposition: 'attachment' }
}

/** Why this part, after those before it, cannot be expressed. */
function lossOf(leaf: Leaf, { text, html }: Pick<SortedParts, 'text' | 'html'>): string | null {
  const container = leaf.within.find((type) => !sayableContainers.has(type))
  if (container !== undefined) return `is ${container}`
  if (leaf.type.startsWith('message/')) return `has a part of type ${leaf.type}`
  if (!encodingOf(leaf)) return 'has a part in a transfer encoding that is not known'
  if (!isShown(leaf)) {
    const isAlternative = leaf.within.at(-1) === 'multipart/alternative'
    if (!isAlternative || alternativeOf(leaf.contentType) !== undefined) return null
    return `has an alternative of type ${leaf.type}`
  }
  if (decoderOf(leaf) === null) return 'has text in a character set that is not known'
  if (leaf.type === 'text/plain' ? text : html) return `has two parts of type ${leaf.type}`
  if (leaf.type === 'text/plain' && html) return 'has its text behind its HTML'
  if (text && ![text, leaf].every(({ within }) => within.includes('multipart/alternative')))
    return 'has text and HTML that are no alternatives'
  return null
}

/** Says which part is the text, which the HTML, and which are files. */
export function sortParts({ leaves, problem }: Parts): SortedParts {
  const sorted: SortedParts = { files: [], lost: problem }
  for (const leaf of leaves) {
    sorted.lost ??= lossOf(leaf, sorted)
    if (!isShown(leaf)) sorted.files.push(toFile(leaf))
    else if (leaf.type === 'text/html') sorted.html ??= leaf
    else sorted.text ??= leaf
  }
  return sorted
}

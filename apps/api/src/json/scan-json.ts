export type JsonFault =
  | { kind: 'too-deep' | 'too-many-members' }
  | { kind: 'duplicate-key' | 'prototype-key'; key: string }
  /** `__proto__` as a header's name: wrong like any other bad name, not an attack on the parser. */
  | { kind: 'header-name'; key: string }

/** No request of ours nests deeper than 6. */
const DEPTH_MAX = 32
/** A full batch has about 200,000; beyond this, the parsed tree would be many times the body's size. */
const MEMBERS_MAX = 500_000

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** An open object or array; `keys` is null for an array. */
type Frame = { keys: Set<string> | null; key: string }

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

function keyText(raw: string): string {
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}

function keyFault(key: string, frame: Frame, parent: Frame | undefined): JsonFault | null {
  if (key === '__proto__') return { kind: parent?.key === 'headers' ? 'header-name' : 'prototype-key', key }
  if (key === 'prototype' && parent?.key === 'constructor')
    return { kind: 'prototype-key', key: 'constructor' }
  if (frame.keys?.has(key)) return { kind: 'duplicate-key', key }
  frame.keys?.add(key)
  frame.key = key
  return null
}

/**
 * Looks for what `JSON.parse` would let pass: keys given twice (two readers of one body could disagree), keys that
 * reach for a prototype, and nesting or numbers of members out of all proportion. Strings are skipped by `indexOf`, so
 * a body costs about as much as its structure is long. Text that is not JSON is left to `JSON.parse` to refuse.
 */
export function scanJson(text: string): JsonFault | null {
  const stack: Frame[] = []
  let frame: Frame | undefined
  let expectsKey = false
  let members = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = endOfString(text, i)
        if (end === -1) return null
        if (expectsKey && frame) {
          expectsKey = false
          const fault = keyFault(keyText(text.slice(i + 1, end)), frame, stack[stack.length - 2])
          if (fault) return fault
        }
        i = end
        break
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (stack.length === DEPTH_MAX) return { kind: 'too-deep' }
        expectsKey = text.charCodeAt(i) === OPEN_OBJECT
        frame = { keys: expectsKey ? new Set() : null, key: '' }
        stack.push(frame)
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        stack.pop()
        frame = stack[stack.length - 1]
        expectsKey = false
        break
      case COMMA:
        if (++members > MEMBERS_MAX) return { kind: 'too-many-members' }
        expectsKey = frame?.keys != null
        break
    }
  }
  return null
}

/** Keys and indexes from the root of the body to the invalid value. */
type Path = (string | number)[]

export type JsonIssue =
  | { kind: 'too-deep' | 'too-many-members' }
  | { kind: 'too-many-items'; path: Path }
  | { kind: 'duplicate-key' | 'prototype-key'; key: string }
  /** `__proto__` as a header's name: wrong like any other bad name, not an attack on the parser. */
  | { kind: 'header-name'; key: string }

export type JsonScan = {
  issue: JsonIssue | null
  /** Whether an escape may have brought in a character that cannot be stored. */
  isSuspect: boolean
}

/** No request of ours nests deeper than 6. */
const DEPTH_MAX = 32
/** A full batch has about 200,000; beyond this, the parsed tree would be many times the body's size. */
const MEMBERS_MAX = 250_000
/** Of one list or object: the ids of POST /v1/messages/status. */
export const ITEMS_MAX = 1_000
/** Characters looked at one by one before the caller gets its turn: some milliseconds. */
const STEPS_AT_ONCE = 500_000
/** Characters without an escape after which the rest of a string is searched rather than read. */
const PLAIN_RUN = 32

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const LETTER_U = 0x75
const DIGIT_0 = 0x30
const LETTER_D = 0x64
const CAPITAL_D = 0x44

/** An open object or array; `keys` is null for an array. */
type Frame = { keys: Set<string> | null; key: string; items: number }

/** Whether the escape at `at` means U+0000 or half of a surrogate pair. */
function isSuspectEscape(text: string, at: number): boolean {
  if (text.charCodeAt(at + 1) !== LETTER_U) return false
  const first = text.charCodeAt(at + 2)
  if (first !== DIGIT_0 && first !== LETTER_D && first !== CAPITAL_D) return false
  const code = Number.parseInt(text.slice(at + 2, at + 6), 16)
  return code === 0 || (code >= 0xd800 && code <= 0xdfff)
}

function keyText(raw: string): string {
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}

function pathOf(stack: readonly Frame[]): Path {
  return stack.slice(0, -1).map(({ keys, key, items }) => (keys ? key : items))
}

function keyIssue(key: string, stack: readonly Frame[]): JsonIssue | null {
  const frame = stack[stack.length - 1]
  const parent = stack[stack.length - 2]
  if (!frame?.keys) return null
  if (key === '__proto__') return { kind: parent?.key === 'headers' ? 'header-name' : 'prototype-key', key }
  if (key === 'prototype' && parent?.key === 'constructor')
    return { kind: 'prototype-key', key: 'constructor' }
  if (frame.keys.has(key)) return { kind: 'duplicate-key', key }
  if (frame.keys.size === ITEMS_MAX) return { kind: 'too-many-items', path: pathOf(stack) }
  frame.keys.add(key)
  frame.key = key
  return null
}

/** Finds the ends of strings, searching where there are no escapes and reading where there are many. */
class StringReader {
  readonly #text: string
  #quote = -1
  #backslash = -1
  /** Characters read one by one. */
  steps = 0
  isSuspect = false

  constructor(text: string) {
    this.#text = text
    this.#backslash = text.indexOf('\\')
  }

  /** The next `"` at `from` or later, and the next `\`; each is searched for once, for any number of calls. */
  #search(from: number): void {
    if (this.#quote < from) this.#quote = this.#text.indexOf('"', from)
    if (this.#backslash !== -1 && this.#backslash < from) this.#backslash = this.#text.indexOf('\\', from)
  }

  /** The closing quote of the string whose characters go on at `from`; -1 if there is none; or where it stopped, negative. */
  read(from: number): { end: number } | { next: number } | null {
    let at = from
    for (let steps = 0; steps < STEPS_AT_ONCE; ) {
      this.#search(at)
      if (this.#quote === -1) return null
      if (this.#backslash === -1 || this.#backslash > this.#quote) return { end: this.#quote }
      at = this.#backslash
      for (let run = 0; run < PLAIN_RUN && steps < STEPS_AT_ONCE; steps++) {
        const code = this.#text.charCodeAt(at)
        if (code === QUOTE) return { end: at }
        if (code !== BACKSLASH) {
          at++
          run++
          continue
        }
        this.isSuspect ||= isSuspectEscape(this.#text, at)
        at += 2
        run = 0
      }
    }
    return { next: at }
  }
}

/**
 * Looks for what `JSON.parse` would let pass: keys given twice (two readers of one body could disagree), keys that
 * reach for a prototype, and nesting or numbers of members out of all proportion. Strings are skipped by searching, so
 * a body costs about as much as its structure is long. It yields after some milliseconds of work, so that a body of
 * many megabytes does not stop the thread. Text that is not JSON is left to `JSON.parse` to refuse.
 */
export function* scanJson(text: string): Generator<undefined, JsonScan> {
  const strings = new StringReader(text)
  const stack: Frame[] = []
  let frame: Frame | undefined
  let expectsKey = false
  let members = 0
  let pauseAt = STEPS_AT_ONCE
  const result = (issue: JsonIssue | null): JsonScan => ({ issue, isSuspect: strings.isSuspect })
  for (let i = 0; i < text.length; i++) {
    if (i >= pauseAt) {
      yield
      pauseAt = i + STEPS_AT_ONCE
    }
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        let read = strings.read(i + 1)
        while (read && 'next' in read) {
          yield
          read = strings.read(read.next)
        }
        if (!read) return result(null)
        // Skipped, not looked at.
        pauseAt += read.end - i
        if (expectsKey) {
          expectsKey = false
          const issue = keyIssue(keyText(text.slice(i + 1, read.end)), stack)
          if (issue) return result(issue)
          // A key costs as much as some hundred characters.
          pauseAt -= 200
        }
        i = read.end
        break
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (stack.length === DEPTH_MAX) return result({ kind: 'too-deep' })
        if (++members > MEMBERS_MAX) return result({ kind: 'too-many-members' })
        expectsKey = text.charCodeAt(i) === OPEN_OBJECT
        frame = { keys: expectsKey ? new Set() : null, key: '', items: 0 }
        stack.push(frame)
        pauseAt -= 200
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        stack.pop()
        frame = stack[stack.length - 1]
        expectsKey = false
        break
      case COMMA:
        if (++members > MEMBERS_MAX) return result({ kind: 'too-many-members' })
        if (frame && frame.keys === null && ++frame.items === ITEMS_MAX)
          return result({ kind: 'too-many-items', path: pathOf(stack) })
        expectsKey = frame?.keys != null
        break
    }
  }
  return result(null)
}

/** A piece of a TypeScript file, unchanged, without its quotes or comment marks. */
export type SourcePart = { kind: 'regex' | 'string' | 'comment'; text: string; flags: string; line: number }

const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|of|in|throw|do|else|void))$/

/**
 * Finds the comments, strings, parts of templates and regular expressions of TypeScript. There is no parser to ask: TypeScript 7 shows
 * none to programs.
 */
export function sourceParts(text: string): SourcePart[] {
  const found: SourcePart[] = []
  // Of each template that is open: how many braces are open inside its `${`.
  const templates: number[] = []
  let before = ''
  let at = 0
  let line = 1
  let counted = 0
  const lineAt = (index: number) => {
    for (; counted < index; counted++) if (text[counted] === '\n') line++
    return line
  }
  const add = (kind: SourcePart['kind'], from: number, to: number, flags = '') =>
    found.push({ kind, text: text.slice(from, to), flags, line: lineAt(from) })
  while (at < text.length) {
    const char = text[at] ?? ''
    const pair = text.slice(at, at + 2)
    if (pair === '//' || pair === '/*') {
      const end = endOf(text, pair === '//' ? '\n' : '*/', at + 2)
      add('comment', at + 2, end)
      at = end + (pair === '//' ? 1 : 2)
    } else if (char === "'" || char === '"') {
      const end = endOfQuoted(text, char, at + 1)
      add('string', at + 1, end - 1)
      at = end
      before = 'string'
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop()
      const end = endOfTemplatePart(text, at + 1)
      const opens = text[end - 1] === '{'
      add('string', at + 1, end - (opens ? 2 : 1))
      if (opens) templates.push(0)
      before = opens ? '{' : 'string'
      at = end
    } else if (char === '/' && beforeRegex.test(before)) {
      const end = endOfRegex(text, at + 1)
      const flags = /^[a-z]*/.exec(text.slice(end, end + 10))?.[0] ?? ''
      add('regex', at + 1, end - 1, flags)
      at = end + flags.length
      before = 'regex'
    } else {
      const open = templates.at(-1)
      if (open !== undefined && (char === '{' || char === '}'))
        templates[templates.length - 1] = open + (char === '{' ? 1 : -1)
      if (/\s/.test(char)) before = /\w$/.test(before) ? before : before.trim()
      else
        before = /\w/.test(char) && /\w$/.test(before) && /\w/.test(text[at - 1] ?? '') ? before + char : char
      at += 1
    }
  }
  return found
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from)
  return end < 0 ? text.length : end
}

function endOfQuoted(text: string, quote: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** Behind the closing quote, or behind the `${` of the next part. */
function endOfTemplatePart(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    if (text[at] === '`') return at + 1
    if (text.startsWith('${', at)) return at + 2
    at += text[at] === '\\' ? 2 : 1
  }
  return at
}

function endOfRegex(text: string, from: number): number {
  let at = from
  let inClass = false
  while (at < text.length && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true
    if (text[at] === ']') inClass = false
    at += text[at] === '\\' ? 2 : 1
  }
  return at + 1
}

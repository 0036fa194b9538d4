/** A regular expression as it stands in a source. */
export type RegexLiteral = { source: string; flags: string; line: number }

const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|of|in|throw|do|else|void))$/

/**
 * Finds the regular expressions in TypeScript, past its comments, strings and templates. There is no parser to ask: TypeScript 7 shows
 * none to programs.
 */
export function regexLiteralsIn(text: string): RegexLiteral[] {
  const found: RegexLiteral[] = []
  // Of each template that is open: how many braces are open inside its `${`.
  const templates: number[] = []
  let before = ''
  let at = 0
  const lineAt = (index: number) => text.slice(0, index).split('\n').length
  while (at < text.length) {
    const char = text[at] ?? ''
    const pair = text.slice(at, at + 2)
    if (pair === '//') at = endOf(text, '\n', at)
    else if (pair === '/*') at = endOf(text, '*/', at + 2)
    else if (char === "'" || char === '"') {
      at = endOfQuoted(text, char, at + 1)
      before = 'string'
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop()
      const end = endOfTemplatePart(text, at + 1)
      const opens = text[end - 1] === '{'
      if (opens) templates.push(0)
      before = opens ? '{' : 'string'
      at = end
    } else if (char === '/' && beforeRegex.test(before)) {
      const end = endOfRegex(text, at + 1)
      const flags = /^[a-z]*/.exec(text.slice(end, end + 10))?.[0] ?? ''
      found.push({ source: text.slice(at + 1, end - 1), flags, line: lineAt(at) })
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
  return end < 0 ? text.length : end + mark.length
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

/** Lines that begin what is quoted. Each is looked for at the start of a line, in bounded length. */
const QUOTE_STARTS = [
  /^-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine|mensaje original)\s*-{2,}/i,
  /^_{10,}$/,
  /^(?:on|am|le|el|il|op|den)\b.{1,200}\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|skrev)\b.{0,60}:$/i,
  /^from:\s.{1,300}$/i,
]
const SIGNATURE = /^--\s?$/
const LINES_MAX = 20_000
const LINE_CHARS_MAX = 400

/** Some programs break the line that says who wrote what is quoted. */
function startsQuote(line: string, next: string): boolean {
  if (QUOTE_STARTS.some((start) => start.test(line))) {
    // "From:" begins a quote only as the first line of a copied header block.
    return !/^from:/i.test(line) || /^(?:sent|date|to|subject|an|datum):/i.test(next)
  }
  return /^(?:on|am|le)\b/i.test(line) && QUOTE_STARTS.some((start) => start.test(`${line} ${next}`))
}

/** The text of a reply without what it quotes and without the signature; the whole text where nothing would be left. */
export function stripReply(text: string): string {
  const lines = text.split(/\r?\n/, LINES_MAX).map((line) => line.slice(0, LINE_CHARS_MAX).trimEnd())
  let end = lines.length
  for (const [index, line] of lines.entries()) {
    if (!SIGNATURE.test(line) && !startsQuote(line.trim(), (lines[index + 1] ?? '').trim())) continue
    end = index
    break
  }
  const kept = lines
    .slice(0, end)
    .filter((line) => !line.startsWith('>'))
    .join('\n')
    .trim()
  return kept === '' ? text.slice(0, LINES_MAX * LINE_CHARS_MAX).trim() : kept
}

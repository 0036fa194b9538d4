import { sourceParts } from './source-parts.ts'

/** A regular expression as it is written in a source. */
export type RegexLiteral = { source: string; flags: string; line: number }

/** Finds the regular expressions in TypeScript, past its comments, strings and templates. */
export function regexLiteralsIn(text: string): RegexLiteral[] {
  return sourceParts(text).flatMap(({ kind, text: source, flags, line }) =>
    kind === 'regex' ? [{ source, flags, line }] : [],
  )
}

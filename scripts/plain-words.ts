import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceParts } from './source-parts.ts'

type Word = { word: string; instead: string }

const words = (list: Record<string, string>): Word[] =>
  Object.entries(list).map(([word, instead]) => ({ word, instead }))

/** Wrong wherever it stands, in comments as well. */
const ANYWHERE = {
  told: 'reported, said',
  'whoever|whomever': 'the noun: the worker, the tenant',
  'so long': 'the time: for 20 s',
  'so many': 'the number',
  spared: 'need not',
  dearer: 'more expensive',
  borne: 'allowed',
  'poked?|pokes': 'wake',
}

/** Wrong in what users, operators and visitors read. CONTRIBUTING.md shows the list. */
const IN_TEXTS = {
  'whom|whomsoever': 'the noun',
  sake: 'because of',
  bears: 'allows',
  'mend|mends|mended|mending': 'fix, correct',
  'hand-offs?|hand-over': 'attempt',
  'hand(s|ed|ing)? over': 'send, give to the provider',
  'pass(es|ed|ing)? over': 'skip',
  'portions?': 'the selected recipients',
  'at fault': 'the error is in',
  'calls at once': 'concurrent calls',
  'the way out': 'egress',
  'puts? back': 'defer, return',
  'stands? ready': 'is available',
  'a try|the (last|first|next) try|(all|earlier|five|its|other|the|their|these|three|two) tries':
    'attempt, retry',
  'by itself|by themselves': 'automatically',
  unsure: 'unknown',
  'without a goodbye': 'immediately',
}

/** A sentence that begins so has no subject yet. A question may. */
const OPENINGS = /(?:^|[.!?:]\s+|\|\s|- )((?:What|Whoever|Whom|Those|Nobody|So)\b[^.!?|]*)([.!?|]|$)/g

/** Folders whose comments keep the list of ANYWHERE. Add one when it is clean; the list goes when all are. */
export const COMMENTS_HELD: readonly string[] = []

const toPattern = (list: readonly Word[]) =>
  list.map(({ word, instead }) => ({
    pattern: new RegExp(`(?<![\\w-])(?:${word.replaceAll(' ', '\\s+')})(?![\\w-])`, 'gi'),
    instead,
  }))
const inComments = toPattern(words(ANYWHERE))
const inTexts = toPattern(words({ ...ANYWHERE, ...IN_TEXTS }))

/** A text with the line on which it begins. */
type Piece = { text: string; line: number }

function faultsOf(path: string, { text, line }: Piece, list: ReturnType<typeof toPattern>): string[] {
  const at = (index: number) => `${path}:${line + text.slice(0, index).split('\n').length - 1}`
  return list.flatMap(({ pattern, instead }) =>
    Array.from(text.matchAll(pattern), ({ 0: found, index }) => {
      return `${at(index)}: "${found.replace(/\s+/, ' ')}": write ${instead}`
    }),
  )
}

function openingFaults(path: string, { text, line }: Piece): string[] {
  return Array.from(text.matchAll(OPENINGS), ({ 0: all, 1: sentence = '', 2: end, index }) => {
    if (end === '?') return []
    const start = index + all.indexOf(sentence)
    const at = `${path}:${line + text.slice(0, start).split('\n').length - 1}`
    return [`${at}: "${sentence.slice(0, 40).replace(/\s+/g, ' ')}…": begin with the subject`]
  }).flat()
}

/** Markdown without its code, which quotes names, and without its headings, which may ask. */
function withoutCode(markdown: string): string {
  const blank = (code: string) => code.replace(/[^\n]/g, ' ')
  return markdown
    .replace(/^```[\s\S]*?^```/gm, blank)
    .replace(/`[^`\n]*`/g, (code) => '`'.repeat(code.length))
    .replace(/^#.*$/gm, blank)
}

/** All that is not plain in a page. */
export function pageFaults(path: string, text: string): string[] {
  const piece = { text: withoutCode(text), line: 1 }
  return [...faultsOf(path, piece, inTexts), ...openingFaults(path, piece)]
}

/** All that is not plain in the texts of a source file: every string of more than one word. */
export function sourceFaults(path: string, source: string): string[] {
  return sourceParts(source).flatMap(({ kind, text, line }) => {
    if (kind !== 'string' || !/[a-z] [a-z]/i.test(text)) return []
    const piece = { text: text.replaceAll(/`[^`]*`/g, (code) => '`'.repeat(code.length)), line }
    return [...faultsOf(path, piece, inTexts), ...openingFaults(path, piece)]
  })
}

/** Words in comments that are wrong everywhere. */
export function commentFaults(path: string, source: string): string[] {
  return sourceParts(source).flatMap((part) =>
    part.kind === 'comment' ? faultsOf(path, part, inComments) : [],
  )
}

const PAGES = ['*.md', 'docs/**/*.md', 'infra/**/*', 'docker-compose.yml', '.env.example']
const SOURCES = ['{apps,packages}/*/src/**/*.ts', 'faults/**/*.ts', 'bench/src/**/*.ts']

/** All that is not plain in this checkout, one line each. */
export function checkoutFaults(root: string): string[] {
  const read = (pattern: readonly string[]) =>
    globSync(pattern, { cwd: root, withFileTypes: false, exclude: (path) => path.includes('node_modules') })
      .filter((path) => /\.\w+$|file$/.test(path))
      .sort()
      .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(root, path), 'utf8') }))
  const isHeld = (path: string) => COMMENTS_HELD.some((folder) => path.startsWith(`${folder}/`))
  return [
    ...read(PAGES).flatMap(({ path, text }) => pageFaults(path, text)),
    ...read(SOURCES)
      .filter(({ path }) => !/\.test\.ts$/.test(path))
      .flatMap(({ path, text }) => [
        ...sourceFaults(path, text),
        ...(isHeld(path) ? commentFaults(path, text) : []),
      ]),
  ]
}

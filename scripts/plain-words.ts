import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceParts } from './source-parts.ts'

/** Wrong everywhere, in comments as well; with the word to write instead. */
const ANYWHERE: Record<string, string> = {
  told: 'reported, said',
  'whoever|whomever': 'the noun: the worker, the tenant',
  'so long': 'the time',
  'so many': 'the number',
  spared: 'need not',
  dearer: 'more expensive',
  borne: 'allowed',
  'pokes?|poked': 'wake',
}

/** Wrong in what users, operators and visitors read. CONTRIBUTING.md shows both lists. */
const IN_TEXTS: Record<string, string> = {
  whom: 'the noun',
  sake: 'because of',
  bears: 'allows',
  'mends?|mended|mending': 'fix, correct',
  'hand-offs?': 'attempt',
  'hand(s|ed|ing)? over': 'send',
  'pass(es|ed|ing)? over': 'skip',
  'portions?': 'the selected recipients',
  'at fault': 'the error is in',
  'calls at once': 'concurrent calls',
  'the way out': 'egress',
  'puts? back': 'defer',
  'stands? ready': 'is available',
  'a try|the (last|first|next) try|(all|earlier|five|its|other|the|their|these|three|two) tries': 'attempt',
  'by itself|by themselves': 'automatically',
}

/** A sentence that begins with one of these has no subject yet. A question may. */
const OPENINGS = /(?:^\s*|[.!?:]\s+|\|\s|- )((?:What|Whoever|Whom|Those|Nobody|So)\b[^.!?|]*)([.!?|]|$)/g

const inCore = (slice: string) => `packages/core/src/${slice}/`

/** Paths whose comments keep the list of ANYWHERE: add one when it is clean, and drop this list when all are. */
const COMMENTS_HELD = [
  ...['apps/api/', 'apps/lettergate/', 'bench/', 'faults/', 'scripts/'],
  ...['config', 'contracts', 'db', 'egress', 'providers', 'queue'].map((name) => `packages/${name}/`),
  ...['connections', 'deliver', 'dispatch', 'keys', 'lib', 'lost-workers'].map(inCore),
  ...['routing', 'secrets', 'sweep', 'tenants', 'throttle', 'usage'].map(inCore),
]

type Entry = { pattern: RegExp; instead: string }

function entriesOf(list: Record<string, string>): Entry[] {
  return Object.entries(list).map(([words, instead]) => ({
    pattern: new RegExp(`(?<![\\w-])(?:${words.replaceAll(' ', '\\s+')})(?![\\w-])`, 'gi'),
    instead,
  }))
}

const inComments = entriesOf(ANYWHERE)
export const inTexts = [...inComments, ...entriesOf(IN_TEXTS)]

/** A text with the line on which it begins. */
type Piece = { text: string; line: number }

const onLine = (path: string, { text, line }: Piece, index: number) =>
  `${path}:${line + text.slice(0, index).split('\n').length - 1}`

function wordFaults(path: string, piece: Piece, entries: readonly Entry[]): string[] {
  return entries.flatMap(({ pattern, instead }) =>
    Array.from(
      piece.text.matchAll(pattern),
      ({ 0: found, index }) =>
        `${onLine(path, piece, index)}: "${found.replace(/\s+/g, ' ')}": write ${instead}`,
    ),
  )
}

function openingFaults(path: string, piece: Piece): string[] {
  return Array.from(piece.text.matchAll(OPENINGS)).flatMap(({ 0: all, 1: sentence = '', 2: end, index }) => {
    if (end === '?') return []
    const start = sentence.slice(0, 40).replace(/\s+/g, ' ')
    return [`${onLine(path, piece, index + all.indexOf(sentence))}: "${start}…": begin with the subject`]
  })
}

const textFaults = (path: string, piece: Piece) => [
  ...wordFaults(path, piece, inTexts),
  ...openingFaults(path, piece),
]

const blank = (code: string) => code.replace(/[^\n]/g, ' ')
/** Code quotes names, which are not ours to change here. */
const withoutCode = (text: string) => text.replace(/`[^`\n]*`/g, (code) => '`'.repeat(code.length))

/** All that is not plain in a page or a file of settings. Code is left out, and so are headings, which may ask. */
export function pageFaults(path: string, text: string): string[] {
  const prose = text
    .replace(/^```[\s\S]*?^```/gm, blank)
    .replace(path.endsWith('.md') ? /^#.*$/gm : /^#/gm, blank)
  return textFaults(path, { text: withoutCode(prose), line: 1 })
}

/** All that is not plain in the texts of a source file: every string of more than one word; of SQL, its literals. */
export function sourceFaults(path: string, source: string): string[] {
  const strings = sourceParts(source).filter(({ kind }) => kind === 'string')
  const texts = path.includes('/sql/')
    ? strings.flatMap(({ text, line }) =>
        text.includes('select') || text.includes('update')
          ? Array.from(text.matchAll(/'([^'\n]+)'/g), ([, literal = '']) => ({ text: literal, line }))
          : [{ text, line }],
      )
    : strings
  return texts
    .filter(({ text }) => /[a-z] [a-z]/i.test(text))
    .flatMap(({ text, line }) => textFaults(path, { text: withoutCode(text), line }))
}

/** Words in comments that are wrong everywhere. */
export function commentFaults(path: string, source: string): string[] {
  return sourceParts(source).flatMap(({ kind, text, line }) =>
    kind === 'comment' ? wordFaults(path, { text: withoutCode(text), line }, inComments) : [],
  )
}

const PAGES = ['*.md', 'docs/**/*.md', 'infra/**/*.*', 'infra/*file', 'docker-compose.yml', '.env.example']
/** Written by Prisma, and in no commit. */
const GENERATED = 'packages/db/src/client'
const SOURCES = ['{apps,packages}/*/src/**/*.ts', '{faults,bench}/**/*.ts', 'scripts/*.ts']

/** All that is not plain in this checkout, one line each. */
export function checkoutErrors(root: string): string[] {
  const read = (patterns: readonly string[]) =>
    globSync(patterns, {
      cwd: root,
      exclude: (path) => path.includes('node_modules') || path.startsWith(GENERATED),
    })
      .sort()
      .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(root, path), 'utf8') }))
  const sources = read(SOURCES)
  // This file and its test quote the words.
  const texts = sources.filter(({ path }) => !path.endsWith('.test.ts') && !path.startsWith('scripts/'))
  const held = sources.filter(({ path }) => COMMENTS_HELD.some((start) => path.startsWith(start)))
  return [
    ...read(PAGES).flatMap(({ path, text }) => pageFaults(path, text)),
    ...texts.flatMap(({ path, text }) => sourceFaults(path, text)),
    ...held.flatMap(({ path, text }) => commentFaults(path, text)),
  ]
}

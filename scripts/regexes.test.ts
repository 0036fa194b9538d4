import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { slowMs } from '../packages/providers/test/cpu.ts'
import { type RegexLiteral, regexLiteralsIn } from './regex-literals.ts'

const root = join(import.meta.dirname, '..')
const textCharsMax = 65_536

type Bound = { files: RegExp; chars: number; why: string }

/** Expressions that never get longer texts: each with the line of code that limits them. */
const bounds: Bound[] = [
  {
    files: /^packages\/providers\/src\/smtp\/rules(-\w+)?\.ts$/,
    chars: 2_000,
    why: 'readReply cuts each reply',
  },
  {
    files: /^packages\/providers\/src\/(lib\/unverified|mailgun\/outcome)\.ts$/,
    chars: 500,
    why: 'toLine, toReason and shorten cut to 500',
  },
]

const token = '[A-Za-z0-9!#$&^_.+-]+'

/** Expressions that are built at run time, by file. */
const built: Record<string, RegExp[]> = {
  'packages/contracts/src/messages/content-type.ts': [
    new RegExp(`^${token}/${token}$`),
    new RegExp(`^${token}=(?:${token}|"[A-Za-z0-9 !#$&^_.+:/=,-]*")$`),
  ],
  'packages/providers/src/brevo/correlation.ts': [/.{1,900}/g],
  // From the paths of our own routes.
  'apps/api/src/http/unknown-routes.ts': [/^\/v1\/messages\/[^/]+$/],
}

const files = globSync('{packages,apps}/*/src/**/*.ts', { cwd: root })
  .map((path) => relative(root, join(root, path)))
  .filter((path) => !path.endsWith('.test.ts'))
  .sort()
const sourceOf = (path: string) => readFileSync(join(root, path), 'utf8')
const literals = files.flatMap((path) =>
  regexLiteralsIn(sourceOf(path)).map((literal) => ({ path, ...literal })),
)

const pieces = [
  ...'a @<>0-.=;"\\\n\t/:,%_()[]{}é',
  ...['a@', '<a', 'a.', 'a-', '0.', ' a', '\r\n', '=?', '550 ', '5.1.1 ', '\\"', 'a b@', '  a', 'aA', '0a'],
]

/** Words of the expression itself, which make it match further than any other text. */
function ownWords(source: string): string[] {
  const plain = source.replace(/\\[bBdDsSwW]/g, ' ').replace(/\\(.)/g, '$1')
  return [...new Set(plain.match(/[\w @<>:=./-]{1,30}/g) ?? [])].slice(0, 10)
}

function textsFor(source: string): string[] {
  const own = ownWords(source)
  const first = own[0] ?? ''
  return [
    ...pieces,
    ...own.flatMap((word) => [word, `${word} `, `${word}a`]),
    ...(own.length > 1 ? [own.join(''), own.join(' ')] : []),
  ].flatMap((piece) => [piece, `${first}\0${piece}`])
}

/** `first\0piece`: the first once, then the piece without end. The last character fits nothing. */
function grow(text: string, chars: number): string {
  const [head = '', piece] = text.includes('\0') ? text.split('\0') : ['', text]
  const repeated = piece ?? text
  return `${head}${repeated.repeat(Math.ceil(chars / Math.max(repeated.length, 1)))}`
    .slice(0, chars - 1)
    .concat('\u0001')
}

function run(regex: RegExp, text: string): void {
  regex.lastIndex = 0
  if (regex.global) text.replace(regex, '')
  else regex.test(text)
}

/** The text that it takes too long over; null where there is none. Grown step by step, so that the worst does not hang the test. */
async function slowOver(regex: RegExp, charsMax: number): Promise<string | null> {
  for (const text of textsFor(regex.source)) {
    for (const chars of [24, 27, 48, 256, 2_000, 8_000, textCharsMax]) {
      if (chars > charsMax) break
      const adverse = grow(text, chars)
      const ms = await slowMs(() => run(regex, adverse))
      if (ms !== null) return `${ms} ms over ${chars} characters of ${JSON.stringify(text)}`
    }
  }
  return null
}

const boundOf = (path: string) => bounds.find(({ files }) => files.test(path))?.chars ?? textCharsMax

test('the expressions of a source are found, and no text that only looks like one', () => {
  const source = [
    'const a = 1 / 2 / 3 // a /comment/',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template.
    'const b = \'/no/\' + "/no/" + `/no/ ${x.replace(/in/g, `/no/ ${/deep/.source}`)} /no/`',
    'const c = [/one[/\\]]/u, x => /two\\//i.test(x)] /* /no/ */',
    'if (y) return /three/.exec(z)',
    'const d = (a + b) / c / d',
  ].join('\n')
  expect(regexLiteralsIn(source).map(({ source: found, flags }) => `${found} ${flags}`.trim())).toEqual([
    'in g',
    'deep',
    'one[/\\]] u',
    'two\\/ i',
    'three',
  ])
})

test('the checkout has expressions, and each one that is built at run time is in the table', () => {
  expect(literals.length).toBeGreaterThan(300)
  const building = files.filter((path) => /\bnew RegExp\(|\bRegExp\(/.test(sourceOf(path)))
  expect(building).toEqual(Object.keys(built).sort((a, b) => building.indexOf(a) - building.indexOf(b)))
})

test('a slow expression is found', { timeout: 120_000 }, async () => {
  expect(await slowOver(/\s+\d{3}/, textCharsMax)).toMatch(/ms over/)
  expect(await slowOver(/(a+)+$/, textCharsMax)).toMatch(/ms over/)
  expect(await slowOver(/<?[^\s<>]+@/, textCharsMax)).toMatch(/ms over/)
})

const toRegex = ({ source, flags }: RegexLiteral) => new RegExp(source, flags)
const byFile = files
  .map((path) => {
    const own = literals.filter((literal) => literal.path === path)
    return { path, regexes: [...own.map(toRegex), ...(built[path] ?? [])] }
  })
  .filter(({ regexes }) => regexes.length > 0)

test.each(byFile)(
  'no expression of $path blocks the thread for 50 ms over 64 kB',
  { timeout: 300_000 },
  async ({ path, regexes }) => {
    const slow: string[] = []
    for (const regex of regexes) {
      const over = await slowOver(regex, boundOf(path))
      if (over !== null) slow.push(`${String(regex)}: ${over}`)
    }
    expect(slow).toEqual([])
  },
)

import { eventKinds } from './lib/provider-event.ts'
import type { Capabilities, Provider } from './provider.ts'

type Column = readonly [head: string, cell: (capabilities: Capabilities, provider: Provider) => string]

const bytesPerMb = 1_000_000
const minuteMs = 60_000

const messageColumns: Column[] = [
  ['Recipients', ({ recipientsMax }) => String(recipientsMax)],
  ['Copies without To', ({ needsTo }) => (needsTo ? 'one at a time' : 'together')],
  ['Without a subject', ({ needsSubject }) => yesNo(!needsSubject)],
  ['Without text and html', ({ needsBody }) => yesNo(!needsBody)],
  ['Invitations, AMP', ({ alternatives }) => toAlternatives(alternatives)],
  ['Quoted addresses', ({ localParts }) => localPartCells[localParts ?? 'all']],
  [
    'Addresses that differ in case',
    ({ foldsAddressCase }) => (foldsAddressCase ? 'one mailbox' : 'as given'),
  ],
  ['Size', ({ messageBytesMax, textBytesMax }) => toSize(messageBytesMax, textBytesMax)],
  ['Mail as its client wrote it', toRaw],
  ['Addresses in Reply-To', ({ replyToMax }) => String(replyToMax)],
  ['Headers refused', ({ refusesHeader }) => (refusesHeader ? toNames(refusesHeader) : 'none')],
  ['Header values garbled', ({ garblesHeader }) => (garblesHeader ? code(garblesHeader.source) : 'none')],
  ['Inline images', ({ inlineImages }) => yesNo(inlineImages)],
  ['File names', ({ takesFilename }) => (takesFilename ? toEndings(takesFilename) : 'all')],
  ['File types', ({ takesContentType }) => (takesContentType ? code(takesContentType.source) : 'all')],
]

const answerColumns: Column[] = [
  ['Repeats recognised for', ({ idempotencyWindowMs }) => toDuration(idempotencyWindowMs)],
  ['Answers for each recipient', ({ answersEachRecipient }) => yesNo(answersEachRecipient)],
  ['Tags in a tag field', ({ tagsMax }) => (tagsMax === 0 ? 'none' : String(tagsMax))],
  ['Metadata comes back with events', ({ metadata }) => yesNo(metadata)],
  ['Reports account limits', ({ tellsLimits }) => yesNo(tellsLimits)],
]

const eventColumns: Column[] = [
  ['Proved by', (_capabilities, provider) => toProof(provider)],
  ...eventKinds.map(
    (kind): Column => [kind, (_capabilities, { events }) => yesNo(events?.kinds.includes(kind) ?? false)],
  ),
]

const localPartCells = { plain: 'none', dots: 'only with misplaced dots', all: 'all' } as const

/** The page docs/providers/matrix.md: what each provider can do, from its own capabilities. */
export function toMatrix(providers: Provider[]): string {
  return [
    '# Providers side by side',
    '',
    'Generated from the capabilities in `packages/providers` by `npm run matrix`; a test keeps it equal to them.',
    '',
    line(['Provider', 'Description']),
    line(['---', '---']),
    ...providers.map((provider) => line([linked(provider), provider.description])),
    '',
    '## What a message can contain',
    '',
    'A message that a provider cannot send exactly as given is refused for that provider.',
    '',
    ...table(providers, messageColumns),
    '',
    'Lettergate itself schedules messages with `send_at`, for every provider. `tracking` is refused for all providers so far.',
    '',
    '## What the provider answers and reports',
    '',
    'Further tags are put into other fields that come back with events, if the provider has any; its page says how.',
    '',
    ...table(providers, answerColumns),
    '',
    '## Events that it sends',
    '',
    'To a URL of the connection. Bounces that come as mail are read to the same events: `deferred`, `delivered`, `bounced` and `complained`.',
    '',
    ...table(providers, eventColumns),
    '',
  ].join('\n')
}

function table(providers: Provider[], columns: Column[]): string[] {
  return [
    line(['Provider', ...columns.map(([head]) => head)]),
    line(['---', ...columns.map(() => '---')]),
    ...providers.map((provider) =>
      line([linked(provider), ...columns.map(([, cell]) => cell(provider.capabilities, provider))]),
    ),
  ]
}

function line(cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

function linked({ id }: Provider): string {
  return `[\`${id}\`](${id}.md)`
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}

function toProof({ events, bouncesByMail }: Provider): string {
  return events?.proof ?? (bouncesByMail ? 'none: bounces come as mail' : 'none')
}

function toAlternatives(carried: Capabilities['alternatives'] = ['calendar', 'amp']): string {
  const names = { calendar: 'invitations', amp: 'AMP' }
  return carried.map((one) => names[one]).join(', ') || 'neither'
}

function toSize(bytesMax: number, textBytesMax?: number): string {
  const toMb = (bytes: number) => `${Math.floor(bytes / bytesPerMb)} MB`
  return textBytesMax === undefined ? toMb(bytesMax) : `${toMb(bytesMax)}, texts ${toMb(textBytesMax)}`
}

function toRaw({ rawMime, orders }: Capabilities): string {
  if (!rawMime) return 'as fields'
  const { recipients, eightBit, bytesMax } = rawMime
  const limits = [
    ...(recipients === 'headers' ? ['to those it names'] : []),
    ...(eightBit ? [] : ['in ASCII']),
    ...(bytesMax === undefined ? [] : [`up to ${toSize(bytesMax)}`]),
    ...(orders.length > 0 ? [`without ${orders.map((start) => code(`${start}…`)).join(', ')}`] : []),
  ]
  return ['yes', ...limits].join(', ')
}

function toDuration(durationMs: number): string {
  const minutes = durationMs / minuteMs
  if (minutes === 0) return 'never'
  return minutes >= 60 ? `${minutes / 60} h` : `${minutes} min`
}

/** The names in `/^(?:one|other-)/`: one alternative each, `…` where more may follow. Any other pattern is shown unchanged. */
export function toNames(pattern: RegExp): string {
  const [, group, alone, end] = /^\^(?:\((?:\?:)?([^()]+)\)|([^()|]+?))(\$?)$/.exec(pattern.source) ?? []
  const names = (group ?? alone ?? '').split('|').map((name) => name.replace(/\\([.-])/g, '$1'))
  const areNames = names.every((name) => /^[a-z0-9._-]+\$?$/.test(name))
  if (!areNames) return code(pattern.source)
  return names.map((name) => code(end || name.endsWith('$') ? name.replace('$', '') : `${name}…`)).join(', ')
}

/** How many endings a pattern such as `/^.+\.(?:pdf|txt)$/` takes: too many to be listed here. */
export function toEndings(pattern: RegExp): string {
  const [, list] = /\\\.\((?:\?:)?([a-z0-9|]+)\)\$$/.exec(pattern.source) ?? []
  return list === undefined ? code(pattern.source) : `${list.split('|').length} endings, listed on its page`
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

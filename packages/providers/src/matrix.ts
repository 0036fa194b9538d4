import type { ProviderEventKind } from './lib/provider-event.ts'
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
  ['Addresses in Reply-To', ({ replyToMax }) => String(replyToMax)],
  ['Headers refused', ({ refusesHeader }) => (refusesHeader ? toNames(refusesHeader) : 'none')],
  ['Header values garbled', ({ garblesHeader }) => (garblesHeader ? code(garblesHeader.source) : 'none')],
  ['Inline images', ({ inlineImages }) => yesNo(inlineImages)],
  ['File names', ({ takesFilename }) => (takesFilename ? toEndings(takesFilename) : 'all')],
  ['File types', ({ takesContentType }) => (takesContentType ? code(takesContentType.source) : 'all')],
]

const answerColumns: Column[] = [
  ['Repeats recognised for', ({ idempotencyWindowMs }) => toDuration(idempotencyWindowMs)],
  ['Refuses single recipients', ({ answersEachRecipient }) => yesNo(answersEachRecipient)],
  ['Tags in a field of their own', ({ tagsMax }) => (tagsMax === 0 ? 'none' : String(tagsMax))],
  ['Metadata comes back with events', ({ metadata }) => yesNo(metadata)],
  ['Tells what the account may send', ({ tellsLimits }) => yesNo(tellsLimits)],
]

const kinds: ProviderEventKind[] = [
  'accepted',
  'sent',
  'deferred',
  'delivered',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'unsubscribed',
  'rejected',
]

const eventColumns: Column[] = [
  ['Proved by', (_capabilities, provider) => toProof(provider)],
  ...kinds.map(
    (kind): Column => [kind, (_capabilities, { events }) => yesNo(events?.kinds.includes(kind) ?? false)],
  ),
]

const localPartCells = { plain: 'none', dots: 'those with odd dots', all: 'all' } as const

/** The page docs/providers/matrix.md: what each provider can do, from its own capabilities. */
export function toMatrix(providers: Provider[]): string {
  return [
    '# Providers side by side',
    '',
    'Generated from the capabilities in `packages/providers` by `npm run matrix`; a test keeps it equal to them.',
    '',
    line(['Provider', 'What it is']),
    line(['---', '---']),
    ...providers.map((provider) => line([linked(provider), provider.description])),
    '',
    '## What a message may be',
    '',
    'What a provider cannot say as it is, a message through it may not ask for.',
    '',
    ...table(providers, messageColumns),
    '',
    'Scheduling (`send_at`) is done by Lettergate for every provider: none of them is asked to send later. `tracking` is refused for all of them so far.',
    '',
    '## What it answers and reports',
    '',
    'Further tags are folded into what else comes back with events, where there is such a thing: the page of each provider says how.',
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

function toDuration(durationMs: number): string {
  const minutes = durationMs / minuteMs
  if (minutes === 0) return 'never'
  return minutes >= 60 ? `${minutes / 60} h` : `${minutes} min`
}

/** The names in `/^(?:one|other-)/`: one alternative each, `…` where more may follow. Any other pattern stands as it is. */
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

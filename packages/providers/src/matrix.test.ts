import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { toEndings, toMatrix, toNames } from './matrix.ts'
import type { Capabilities, Provider } from './provider.ts'
import { createProviders } from './registry.ts'

const docs = new URL('../../../docs/providers/', import.meta.url)
const providers = createProviders()

test('docs/providers/matrix.md is current: npm run matrix writes it', async () => {
  expect(await readFile(new URL('matrix.md', docs), 'utf8')).toBe(toMatrix(Object.values(providers)))
})

test('every provider is registered under its own id and has a page', async () => {
  for (const [id, provider] of Object.entries(providers)) {
    expect(provider.id).toBe(id)
    expect(await readFile(new URL(`${id}.md`, docs), 'utf8')).toContain(`# ${id}`)
  }
})

test('docs/guides/provider-events.md has a row for every provider that sends events', async () => {
  const guide = await readFile(new URL('../guides/provider-events.md', docs), 'utf8')
  const sending = Object.values<Provider>(providers).filter(({ events }) => events && events.proof !== 'none')
  const missing = sending.map(({ id }) => id).filter((id) => !guide.includes(`](../providers/${id}.md) | `))
  expect(missing, 'write a row for these in docs/guides/provider-events.md').toEqual([])
})

const other: Required<Capabilities> = {
  recipientsMax: 7,
  needsTo: true,
  needsSubject: true,
  needsBody: true,
  alternatives: [],
  localParts: 'plain',
  foldsAddressCase: true,
  rawMime: { recipients: 'headers', eightBit: false, bytesMax: 2_900_000 },
  orders: ['x-own-'],
  messageBytesMax: 3_900_000,
  textBytesMax: 1_900_000,
  idempotencyWindowMs: 15 * 60_000,
  answersEachRecipient: false,
  replyToMax: 1,
  refusesHeader: /^x-own-/,
  garblesHeader: /é/,
  inlineImages: false,
  takesFilename: /^.+\.(?:pdf|txt)$/,
  takesContentType: /^[^;]+$/,
  tagsMax: 0,
  metadata: false,
  tellsLimits: false,
}

test.each<[keyof Capabilities, Partial<Capabilities>]>([
  ['recipientsMax', { recipientsMax: 8 }],
  ['needsTo', { needsTo: false }],
  ['needsSubject', { needsSubject: false }],
  ['needsBody', { needsBody: false }],
  ['alternatives', { alternatives: ['amp'] }],
  ['localParts', { localParts: 'dots' }],
  ['foldsAddressCase', { foldsAddressCase: false }],
  ['rawMime', { rawMime: { recipients: 'envelope', eightBit: true } }],
  ['orders', { orders: ['x-other-'] }],
  ['messageBytesMax', { messageBytesMax: 4_000_000 }],
  ['textBytesMax', { textBytesMax: 2_000_000 }],
  ['idempotencyWindowMs', { idempotencyWindowMs: 0 }],
  ['answersEachRecipient', { answersEachRecipient: true }],
  ['replyToMax', { replyToMax: 2 }],
  ['refusesHeader', { refusesHeader: /^x-other-/ }],
  ['garblesHeader', { garblesHeader: /ü/ }],
  ['inlineImages', { inlineImages: true }],
  ['takesFilename', { takesFilename: /^.+\.(?:pdf)$/ }],
  ['takesContentType', { takesContentType: /^text/ }],
  ['tagsMax', { tagsMax: 1 }],
  ['metadata', { metadata: true }],
  ['tellsLimits', { tellsLimits: true }],
])('the page shows %s', (_name, change) => {
  const page = (capabilities: Capabilities) => toMatrix([{ ...providers.capture, capabilities }])
  expect(page({ ...other, ...change })).not.toBe(page(other))
})

test('the cases above cover all capabilities', () => {
  const page = toMatrix([{ ...providers.capture, capabilities: other }])
  expect(page).toContain(
    '| 7 | one at a time | no | no | neither | none | one mailbox | 3 MB, texts 1 MB | yes, to those it names, in ASCII, up to 2 MB, without `x-own-…` | 1 | `x-own-…` | `é` | no | 2 endings, listed on its page | `^[^;]+$` |',
  )
  expect(page).toContain('| 15 min | no | none | no | no |')
  expect(Object.keys(other)).toHaveLength(22)
})

test('the page shows the events of each provider, and how they are verified', () => {
  const { resend, smtp, capture } = providers
  const page = toMatrix([resend, smtp, capture]).split('## Events that it sends')[1]
  expect(page).toContain(
    '| [`resend`](resend.md) | signature | yes | yes | yes | yes | yes | yes | yes | yes | no | yes |',
  )
  expect(page).toContain('| [`smtp`](smtp.md) | none: bounces come as mail | no |')
  expect(page).toContain('| [`capture`](capture.md) | none | no |')
})

test.each([
  [/^(?:sender\.ip|idempotency-key)$/, '`sender.ip`, `idempotency-key`'],
  [/^(x-a-|x-b-)/, '`x-a-…`, `x-b-…`'],
  [/^(?:x-a-|date$)/, '`x-a-…`, `date`'],
  [/^x-mailgun-/, '`x-mailgun-…`'],
  [/^date$/, '`date`'],
  [/^(?!x-)|y/, '`^(?!x-)\\|y`'],
])('the headers in %s are shown as %s', (pattern, text) => {
  expect(toNames(pattern)).toBe(text)
})

test.each([
  [/^[\x20-\x7e]+\.(?:pdf|txt)$/, '2 endings, listed on its page'],
  [/^(?!a|b)/, '`^(?!a\\|b)`'],
])('the file names in %s are shown as %s', (pattern, text) => {
  expect(toEndings(pattern)).toBe(text)
})

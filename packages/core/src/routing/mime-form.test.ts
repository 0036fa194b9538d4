import { createProviders } from '@lettergate/providers/registry'
import { expect, test } from 'vitest'
import { type Carried, cannotCarry, goesRaw } from './capabilities.ts'
import type { CarriedMime } from './mime-form.ts'

const providers = createProviders()
const raw = [
  ...(['capture', 'smtp', 'ses', 'mailgun', 'mandrill', 'sparkpost'] as const),
  ...(['gmail', 'microsoft365', 'direct'] as const),
]
const byFields = ['brevo', 'postmark', 'resend', 'sendgrid'] as const
const plain: CarriedMime = {
  bytes: 1_000,
  isAscii: true,
  orders: [],
  namesOthers: false,
  textBytes: 500,
  lost: null,
}
const carried = (mime: Partial<CarriedMime>, change: Partial<Carried> = {}): Carried => ({
  replyTo: [],
  headers: {},
  attachments: [],
  form: { hasSubject: true, quotedFields: [] },
  mime: { ...plain, ...mime },
  ...change,
})
/** Which providers carry a mail as it is, which by fields, and which not at all. */
function waysOf(message: Carried): Partial<Record<string, string[]>> {
  const ways = [...raw, ...byFields].map((id) => {
    const { capabilities } = providers[id]
    if (cannotCarry(capabilities, message)) return { id, way: 'not' }
    return { id, way: goesRaw(capabilities, message) ? 'raw' : 'fields' }
  })
  const idsOf = (wanted: string) => ways.filter(({ way }) => way === wanted).map(({ id }) => id)
  return { raw: idsOf('raw'), fields: idsOf('fields'), not: idsOf('not') }
}

test('a mail is sent unchanged to all providers that accept MIME, and as fields to the others', () => {
  const { raw: asItIs = [], fields = [], not = [] } = waysOf(carried({}))
  expect(asItIs.toSorted()).toEqual(raw.toSorted())
  expect(fields.toSorted()).toEqual(byFields)
  expect(not).toEqual([])
})

test.each<[string, Partial<CarriedMime>, { notRaw: string[]; isSayable: boolean }]>([
  ['bytes beyond ASCII', { isAscii: false }, { notRaw: ['mandrill', 'sparkpost'], isSayable: true }],
  ['an order to one provider', { orders: ['x-a', 'x-ses-tenant'] }, { notRaw: ['ses'], isSayable: true }],
  ['5 MB', { bytes: 5_000_000, textBytes: 1 }, { notRaw: ['microsoft365'], isSayable: true }],
  ['others in To', { namesOthers: true }, { notRaw: ['gmail', 'microsoft365'], isSayable: false }],
  ['what fields cannot say', { lost: 'is multipart/signed' }, { notRaw: [], isSayable: false }],
])('a mail with %s', (_what, mime, { notRaw, isSayable }) => {
  const { raw: asItIs = [], fields = [], not = [] } = waysOf(carried(mime))
  expect(asItIs.toSorted()).toEqual(raw.filter((id) => !notRaw.includes(id)).toSorted())
  expect((isSayable ? fields : not).toSorted()).toEqual([...notRaw, ...byFields].toSorted())
})

test('a mail that is larger than a provider accepts is refused for its size, and not for its form', () => {
  const { capabilities } = providers.ses
  expect(cannotCarry(capabilities, carried({ bytes: 40_000_001, textBytes: 40_000_001 }))).toMatchObject({
    code: 'payload-too-large',
    detail: expect.stringContaining('40000000'),
  })
})

test('a provider without MIME has the same requirements for a mail as for a message', () => {
  const { capabilities } = providers.sendgrid
  const noSubject = { form: { hasSubject: false, quotedFields: [] } }
  expect(cannotCarry(capabilities, carried({}, noSubject))).toMatchObject({ pointer: '/subject' })
  expect(cannotCarry(capabilities, carried({ textBytes: undefined }))).toMatchObject({ pointer: '/text' })
  expect(cannotCarry(providers.ses.capabilities, carried({ textBytes: undefined }, noSubject))).toBeNull()
})

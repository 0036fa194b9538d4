import { parseSendRequest } from '@lettergate/contracts/messages/send-request'
import type { Capabilities } from '@lettergate/providers/provider'
import { describe, expect, test } from 'vitest'
import { acceptRow } from '../accept/index.ts'
import { type Carried, cannotCarry, carriedOfNew, carriedOfStored } from './capabilities.ts'

const wide: Capabilities = {
  recipientsMax: 50,
  orders: [],
  messageBytesMax: 10_000,
  idempotencyWindowMs: 0,
  answersEachRecipient: false,
  replyToMax: 10,
  inlineImages: true,
  tagsMax: 10,
  metadata: true,
  tellsLimits: false,
}
const narrow: Capabilities = {
  ...wide,
  messageBytesMax: 1_000,
  textBytesMax: 900,
  replyToMax: 1,
  refusesHeader: /^(?:sender\.ip|idempotency-key)$/,
  garblesHeader: /[^\x20-\x7e]/,
  inlineImages: false,
  takesFilename: /^[\x20-\x7e]+\.pdf$/,
  takesContentType: /^[^;]+$/,
  needsSubject: true,
  needsBody: true,
  alternatives: ['amp'],
  localParts: 'dots',
}
const shortTexts: Capabilities = { ...wide, textBytesMax: 1_000 }
const ordinary = { hasSubject: true, quotedFields: [] }
const plain: Carried = { replyTo: [], headers: {}, attachments: [], text: 'Hi', form: ordinary }
const pdf = { filename: 'Bill.PDF', disposition: 'attachment' as const, bytes: 1 }

describe('features that a provider cannot carry', () => {
  test.each<[string, Partial<Carried>, { code: string; pointer: string; detail: RegExp }]>([
    [
      'a second address in Reply-To',
      { replyTo: [{ address: 'a@example.net' }, { address: 'b@example.net' }] },
      { code: 'field-not-supported', pointer: '/reply_to', detail: /^has 2 addresses/ },
    ],
    [
      'a header by name, however it is written',
      { headers: { 'X-Fine': '1', 'Idempotency-KEY': '1' } },
      { code: 'header-not-allowed', pointer: '/headers/Idempotency-KEY', detail: /header/ },
    ],
    [
      'a header by its value',
      { headers: { 'X-Fine': '1', 'X-Note': 'naïve' } },
      { code: 'field-not-supported', pointer: '/headers/X-Note', detail: /value/ },
    ],
    [
      'a type of a file',
      { attachments: [pdf, { ...pdf, contentType: 'text/plain; charset=x' }] },
      { code: 'field-not-supported', pointer: '/attachments/1/content_type', detail: /type/ },
    ],
    [
      '24 no subject',
      { form: { ...ordinary, hasSubject: false } },
      { code: 'field-not-supported', pointer: '/subject', detail: /without a subject/ },
    ],
    [
      '24 files alone',
      { text: undefined, attachments: [pdf] },
      { code: 'field-not-supported', pointer: '/text', detail: /files alone/ },
    ],
    [
      '22 an invitation',
      { attachments: [pdf, { ...pdf, contentType: 'text/calendar; method=CANCEL' }] },
      { code: 'field-not-supported', pointer: '/attachments/1/content_type', detail: /invitation/ },
    ],
    [
      '25 an address in quotes',
      { form: { ...ordinary, quotedFields: [{ field: 'cc', forDots: false }] } },
      { code: 'field-not-supported', pointer: '/cc', detail: /quotes/ },
    ],
    [
      'an image in the text',
      { attachments: [pdf, { ...pdf, disposition: 'inline' }] },
      { code: 'field-not-supported', pointer: '/attachments/1/disposition', detail: /inline/ },
    ],
    [
      'a file name',
      { attachments: [{ ...pdf, filename: 'page.svg' }] },
      { code: 'field-not-supported', pointer: '/attachments/0/filename', detail: /file name/ },
    ],
    [
      'a text that is too long',
      { text: 'é'.repeat(501) },
      { code: 'payload-too-large', pointer: '', detail: /900 bytes/ },
    ],
    [
      'texts that are too long together, where files might be longer',
      { text: 'é'.repeat(300), html: 'x'.repeat(301) },
      { code: 'payload-too-large', pointer: '', detail: /text and html .*900 bytes/ },
    ],
    [
      'files that are too large once they are encoded',
      { attachments: [{ ...pdf, bytes: 800 }] },
      { code: 'payload-too-large', pointer: '', detail: /1000 bytes/ },
    ],
  ])('%s', (_, change, { detail, ...issue }) => {
    const message = { ...plain, ...change }
    expect(cannotCarry(narrow, message)).toEqual({ ...issue, detail: expect.stringMatching(detail) })
    expect(cannotCarry(wide, message)).toBeNull()
  })

  test('texts that are too long together, where they have a limit of their own', () => {
    const half = 'é'.repeat(250)
    expect(cannotCarry(shortTexts, { ...plain, text: half, html: half })).toBeNull()
    expect(cannotCarry(shortTexts, { ...plain, text: half, html: `${half}x` })).toMatchObject({
      code: 'payload-too-large',
      detail: expect.stringMatching(/1000 bytes/),
    })
    expect(cannotCarry(shortTexts, { ...plain, attachments: [{ ...pdf, bytes: 5_000 }] })).toBeNull()
  })

  test.each<[string, Partial<Carried>]>([
    ['one address in Reply-To', { replyTo: [{ address: 'a@example.net' }] }],
    ['other headers', { headers: { 'X-Campaign': '1' } }],
    ['a file name in capitals', { attachments: [pdf] }],
    ['22 a form that it can carry', { attachments: [{ ...pdf, contentType: 'text/x-amp-html' }] }],
    ['22 a calendar that is a plain file', { attachments: [{ ...pdf, contentType: 'text/calendar' }] }],
    ['25 odd dots', { form: { ...ordinary, quotedFields: [{ field: 'to', forDots: true }] } }],
    ['text up to the last byte', { text: 'x'.repeat(900) }],
  ])('is not %s', (_, change) => {
    expect(cannotCarry(narrow, { ...plain, ...change })).toBeNull()
  })
})

describe('25 the form of a message', () => {
  const message = parseSendRequest({
    from: '"sales team"@acme.example',
    to: 'a..b@docomo.example',
    bcc: ['b@example.net', '"a(b"@x.example'],
    reply_to: '"x,"@x.example',
    text: 'Hi',
  })
  const form = {
    hasSubject: false,
    quotedFields: [
      { field: 'from', forDots: false },
      { field: 'to', forDots: true },
      { field: 'bcc', forDots: false },
      { field: 'reply_to', forDots: false },
    ],
  }

  test('is the same from the request and from the stored message', () => {
    expect(carriedOfNew(message).form).toEqual(form)
    expect(carriedOfStored(JSON.parse(acceptRow('id', message).document))).toEqual(carriedOfNew(message))
  })
})

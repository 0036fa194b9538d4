import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { goodMessage } from '../../test/bad-messages.ts'
import { parseSendRequest } from '../messages/send-request.ts'
import { Problem } from '../problems/problems.ts'
import { readHeaderValue } from './header-value.ts'

/** The pieces of a value, the encoded ones in ⟦brackets⟧, or its fault. */
function read(name: string, value: string): string {
  const result = readHeaderValue(name, value)
  if ('issue' in result) return `fault: ${result.issue}`
  return result.pieces.map(({ text, encode }) => (encode ? `⟦${text}⟧` : text)).join('')
}

describe('case 12: each field is written according to its grammar', () => {
  test.each([
    ['List-Id', 'お知らせ <news.acme.example>', '⟦お知らせ⟧ <news.acme.example>'],
    ['list-id', '"Été" <ete.acme.example>', '⟦Été⟧ <ete.acme.example>'],
    ['List-ID', 'Été<news.bücher.example>', '⟦Été⟧ <news.xn--bcher-kva.example>'],
    ['List-Id', '"News, daily" <news.acme.example>', '"News, daily" <news.acme.example>'],
    [
      'List-Unsubscribe',
      '<https://acme.example/désinscription?u=1>',
      '<https://acme.example/d%C3%A9sinscription?u=1>',
    ],
    [
      'List-Unsubscribe',
      '<https://u:p@bücher.example:8443/ü%20x?é#ö>,<mailto:jörg@bücher.example?subject=Tschüß>',
      '<https://u:p@xn--bcher-kva.example:8443/%C3%BC%20x?%C3%A9#%C3%B6>, ' +
        '<mailto:j%C3%B6rg@xn--bcher-kva.example?subject=Tsch%C3%BC%C3%9F>',
    ],
    ['List-Unsubscribe', 'https://acme.example/é', '<https://acme.example/%C3%A9>'],
    ['List-Help', '<https://acme.example/ayuda/😀>', '<https://acme.example/ayuda/%F0%9F%98%80>'],
    ['List-Archive', '< https://acme.example/ä > (archive)', '<https://acme.example/%C3%A4> (archive)'],
    ['Archived-At', '<https://acme.example/ж>', '<https://acme.example/%D0%B6>'],
    ['List-Owner', '<mailto:o@acme.example> (Jörg)', '<mailto:o@acme.example> (⟦Jörg⟧)'],
    ['List-Post', 'NO (geschlossen für (alle) \\( Gäste)', 'NO (⟦geschlossen für (alle) ( Gäste⟧)'],
    ['Errors-To', 'Zoë <z@acme.example>', '⟦Zoë⟧ <z@acme.example>'],
    [
      'Errors-To',
      '"Müller, Zoë"<z@bücher.example>,  Bob <b@acme.example>,x@bücher.example (Zoë)',
      '⟦Müller, Zoë⟧ <z@xn--bcher-kva.example>, Bob <b@acme.example>, x@xn--bcher-kva.example (⟦Zoë⟧)',
    ],
    [
      'Mail-Followup-To',
      'Gäste: Zoë <z@a.example>, b@c.example;',
      '⟦Gäste⟧: ⟦Zoë⟧ <z@a.example>, b@c.example;',
    ],
    ['Disposition-Notification-To', 'Zoë (home) <z@acme.example>', '⟦Zoë⟧ (home) <z@acme.example>'],
    ['X-Original-Sender', 'Zoë <"a>b"@acme.example>', '⟦Zoë⟧ <"a>b"@acme.example>'],
    ['Errors-To', '<>', '<>'],
    ['Author', '受信者 <a@acme.example>', '⟦受信者⟧ <a@acme.example>'],
    ['Keywords', 'größe, b, "c, ü"', '⟦größe⟧, b, ⟦c, ü⟧'],
    ['Comments', 'Grüße an alle', '⟦Grüße an alle⟧'],
    ['Auto-Submitted', 'auto-replied (Grüße)', 'auto-replied (⟦Grüße⟧)'],
    ['Expires', 'Sat, 28 Nov 2026 12:30:00 +0100 (später)', 'Sat, 28 Nov 2026 12:30:00 +0100 (⟦später⟧)'],
    ['References', '<a@b>, <c@d>', '<a@b> <c@d>'],
    ['In-Reply-To', 'a:1@b', '<a:1@b>'],
    ['X-Note', 'for Zoë and Jörg only', 'for ⟦Zoë and Jörg⟧ only'],
    ['X-Contact', '"Zoë M" <z@acme.example>', '⟦Zoë M⟧ <z@acme.example>'],
    ['X-Link', 'see https://acme.example/é now', 'see https://acme.example/%C3%A9 now'],
  ])('%s: %s', (name, value, expected) => {
    expect(read(name, value)).toBe(expected)
  })

  test.each([
    ['List-Id', 'Été', 'angle brackets'],
    ['List-Id', 'Été <ete.acme.example', 'not closed'],
    ['List-Id', '"Été <ete.acme.example>', 'not closed'],
    ['List-Owner', '<mailto:o@acme.example> (Jörg', 'not closed'],
    ['List-Unsubscribe', '<https://acme.example/é u>', '%20'],
    ['List-Unsubscribe', '<https://ü..example/é>', 'host name'],
    ['List-Unsubscribe', 'désinscription', 'angle brackets'],
    ['List-Unsubscribe-Post', 'List-Unsubscribe=Ün-Clic', 'outside ASCII'],
    ['Errors-To', 'zoë@acme.example', 'before the @'],
    ['Errors-To', 'Zoë', 'without an address'],
    ['Precedence', 'größe', 'outside ASCII'],
    ['In-Reply-To', '<ä@acme.example>', 'outside ASCII'],
    ['Importance', 'höch', 'outside ASCII'],
  ])('%s: %s is refused', (name, value, detail) => {
    expect(read(name, value)).toMatch(new RegExp(`^fault: .*${detail}`))
  })

  test('a value in ASCII that can be folded stays unchanged in every field', () => {
    const ascii = fc.stringMatching(/^[\x20-\x7e]{0,200}$/).filter((text) => !text.includes(' '.repeat(60)))
    const name = fc.constantFrom(
      'List-Id',
      'List-Unsubscribe',
      'Errors-To',
      'Precedence',
      'X-Note',
      'Keywords',
    )
    fc.assert(fc.property(name, ascii, (field, value) => void expect(read(field, value)).toBe(value)))
  })
})

const url = (length: number) => `<https://acme.example/${'t'.repeat(length - 23)}>`

describe('case 11, S11: no word is longer than a line', () => {
  test.each([
    ['List-Unsubscribe', url(1_226)],
    ['X-Link', url(991)],
    ['X-Long', 'y'.repeat(5_000)],
    ['X-Long', `Grüße ${'y'.repeat(5_000)}`],
    ['References', `<${'x'.repeat(990)}@b>`],
    ['Errors-To', `<${'x'.repeat(990)}@acme.example>`],
    ['Auto-Submitted', 'y'.repeat(990)],
    ['X-Gap', `a${' '.repeat(50)}${'y'.repeat(980)}`],
    ['List-Id', `é <${'x'.repeat(990)}.acme.example>`],
    ['List-Help', `<https://acme.example/${'é'.repeat(200)}>`],
  ])('%s with such a word is refused with its pointer', (name, value) => {
    try {
      parseSendRequest({ ...goodMessage, headers: { [name]: value } })
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      expect(error.errors).toEqual([
        { pointer: `#/headers/${name}`, detail: expect.stringContaining('characters without a space') },
      ])
    }
  })

  test.each([
    ['X-Link', url(990), url(990)],
    ['List-Unsubscribe', `${url(700)},${url(700)}`, `${url(700)}, ${url(700)}`],
    ['References', '<a@b><c@d>'.repeat(200), Array(200).fill('<a@b> <c@d>').join(' ')],
    ['Comments', 'y'.repeat(5_000), `⟦${'y'.repeat(5_000)}⟧`],
    ['Keywords', 'a,'.repeat(900), 'a, '.repeat(900).trimEnd()],
  ])('%s is folded or encoded', (name, value, expected) => {
    expect(read(name, value)).toBe(expected)
  })

  test('a value of 16 kB is read without delay, for any content', () => {
    const parts = ['(', '"', '<', '\\', 'é<', ',é', ' é', '(é)', '<é>', '"é"', 'a@é,', '((é', 'é;', '\\(é']
    const names = ['List-Id', 'List-Unsubscribe', 'Errors-To', 'References', 'Keywords', 'X-A', 'Expires']
    for (const part of parts)
      for (const name of names) {
        const value = part.repeat(16_000 / part.length)
        // Of the processor, and the least of a few: how long the machine was busy with other work is not its own.
        const times = [1, 2, 3].map(() => {
          const before = process.threadCpuUsage()
          read(name, value)
          const { user, system } = process.threadCpuUsage(before)
          return (user + system) / 1_000
        })
        expect(Math.min(...times), `${name}: ${part}`).toBeLessThan(50)
      }
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAddress, parseMailbox, parseMailboxParts } from './mailbox.ts'

describe('parseMailbox', () => {
  test.each([
    ['a@b.example', 'a@b.example', undefined],
    ['<a@b.example>', 'a@b.example', undefined],
    ['Ann Lee <a@b.example>', 'a@b.example', 'Ann Lee'],
    ['  Ann Lee   <a@b.example>', 'a@b.example', 'Ann Lee'],
    ['Ann<a@b.example>', 'a@b.example', 'Ann'],
    ['"Lee, Ann" <a@b.example>', 'a@b.example', 'Lee, Ann'],
    ['"a \\"quote\\" \\\\ b" <a@b.example>', 'a@b.example', 'a "quote" \\ b'],
    ['"" <a@b.example>', 'a@b.example', undefined],
    ['Añn 李 <a@b.example>', 'a@b.example', 'Añn 李'],
    ['A.B+tag_1@B.EXAMPLE', 'A.B+tag_1@b.example', undefined],
    ['a@b.example.', 'a@b.example', undefined],
    ['a@bücher.example', 'a@xn--bcher-kva.example', undefined],
    ['a@BÜCHER.example', 'a@xn--bcher-kva.example', undefined],
    ['a@例え。テスト', 'a@xn--r8jz45g.xn--zckzah', undefined],
    ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example', undefined],
    ["!#$%&'*+-/=?^_`{|}~@b.example", "!#$%&'*+-/=?^_`{|}~@b.example", undefined],
    [`${'a'.repeat(64)}@b.example`, `${'a'.repeat(64)}@b.example`, undefined],
    ['"quoted local"@b.example', '"quoted local"@b.example', undefined],
    ['Ann Lee <"quoted local"@B.example>', '"quoted local"@b.example', 'Ann Lee'],
    ['"Lee, Ann" <"Ann, Lee"@b.example>', '"Ann, Lee"@b.example', 'Lee, Ann'],
    ['"ann.lee"@b.example', 'ann.lee@b.example', undefined],
    ['"an\\n"@b.example', 'ann@b.example', undefined],
    ['"a\\"b\\\\c\\ d"@b.example', '"a\\"b\\\\c d"@b.example', undefined],
    ['" "@b.example', '" "@b.example', undefined],
    ['a..b@b.example', '"a..b"@b.example', undefined],
    ['"a..b"@b.example', '"a..b"@b.example', undefined],
    ['a.@docomo.example', '"a."@docomo.example', undefined],
    ['.a@docomo.example', '".a"@docomo.example', undefined],
    ['Ann <a.-.b..@docomo.example>', '"a.-.b.."@docomo.example', 'Ann'],
  ])('%s is read', (text, address, name) => {
    expect(parseMailbox(text)).toEqual(name === undefined ? { address } : { address, name })
  })

  test.each([
    ['nothing', '', 'no @'],
    ['no @', 'a.b.example', 'no @'],
    ['two @', 'a@c@b.example', 'not allowed before'],
    ['nothing before the @', '@b.example', 'nothing before'],
    ['nothing after the @', 'a@', 'no valid domain'],
    ['65 characters before the @', `${'a'.repeat(65)}@b.example`, '64'],
    ['255 characters', `a@${`${'b'.repeat(60)}.`.repeat(4)}${'c'.repeat(9)}`, '254'],
    ['a space inside', 'a c@b.example', 'not allowed before'],
    ['a space in front', ' a@b.example', 'not allowed before'],
    ['a space behind', 'a@b.example ', 'not allowed in a domain'],
    ['an IP literal', 'a@[127.0.0.1]', 'IP address'],
    ['an IPv6 literal', 'a@[IPv6:::1]', 'IP address'],
    ['an IP address', 'a@127.0.0.1', 'top level'],
    ['an IP address in full-width digits', 'a@１２７.0.0.1', 'top level'],
    ['an IP address in hexadecimal', 'a@0x7f.1', 'top level'],
    ['no top level', 'a@example', 'top level'],
    ['localhost', 'a@localhost', 'top level'],
    ['a name under localhost', 'a@x.localhost', 'one machine'],
    ['a top level of one letter', 'a@b.c', 'top level'],
    ['an empty label', 'a@b..example', 'label'],
    ['two trailing dots', 'a@b.example..', 'label'],
    ['a label of 64', `a@${'b'.repeat(64)}.example`, 'label'],
    ['a label with a hyphen in front', 'a@-b.example', 'hyphen'],
    ['a label with a hyphen behind', 'a@b-.example', 'hyphen'],
    ['an underscore in the domain', 'a@b_c.example', 'not allowed in a domain'],
    ['a percent sign in an IDN', 'a@é%2ecom.example', 'not allowed in a domain'],
    ['an address in quotes before the @', '"x@evil.example y"@b.example', 'another address'],
    ['brackets in quotes before the @', '"x <y"@b.example', 'another address'],
    ['an escaped bracket in quotes', '"x\\>y"@b.example', 'another address'],
    ['a header in quotes', '"a\r\nBcc: e"@b.example', 'not allowed before'],
    ['an escaped line break in quotes', '"a\\\nb"@b.example', 'not allowed before'],
    ['DEL in quotes', '"a\x7f"@b.example', 'not allowed before'],
    ['a lone surrogate in quotes', '"a\ud800"@b.example', 'not allowed before'],
    ['a quote that does not close before the @', '"a\\"@b.example', 'no closing quote'],
    ['text behind the closing quote', '"a"b@b.example', 'closing quote'],
    ['quotes within', 'a."b c"@b.example', 'not allowed before'],
    ['nothing in quotes', '""@b.example', 'nothing between'],
    ['dots alone', '...@b.example', 'nothing but dots'],
    ['65 characters once it is quoted', `${'a'.repeat(62)}.@b.example`, '64'],
    ['a comment', 'a(c)@b.example', 'not allowed before'],
    ['a source route', '@relay.example:a@b.example', 'not allowed before'],
    ['a header behind the address', 'b@b.example\r\nBcc: e@e.example', 'not allowed before'],
    ['a header in the domain', 'b@b.example\r\nBcc: e', 'not allowed in a domain'],
    ['NUL', 'a\0@b.example', 'not allowed before'],
    ['a lone surrogate', 'a\ud800@b.example', 'not allowed before'],
    ['a lone surrogate in the domain', 'a@\ud800.example', 'no valid domain'],
    ['two addresses', 'a@b.example, c@d.example', 'not allowed before'],
    ['an address in the name', 'a@b.example, Ann <c@d.example>', 'quotes'],
    ['a comma in a bare name', 'Lee, Ann <a@b.example>', 'quotes'],
    ['a quote that does not close', '"Ann <a@b.example>', 'closing quote'],
    ['text after the quote', '"Ann" Lee <a@b.example>', 'closing quote'],
    ['> without <', 'a@b.example>', 'without <'],
    ['a line break in the name', '"Ann\r\nBcc: e@e.example" <a@b.example>', 'control'],
    ['a line separator in the name', 'Ann\u2028Lee <a@b.example>', 'control'],
    ['a long name', `${'n'.repeat(256)} <a@b.example>`, '255'],
    ['a megabyte', `${'"'.repeat(1_000_000)}<a@b.example>`, '1000'],
  ])('%s is refused', (_, text, detail) => {
    const mailbox = parseMailbox(text)
    expect(mailbox).toHaveProperty('detail', expect.stringContaining(detail))
    expect(mailbox).not.toHaveProperty('code')
  })

  test('characters outside ASCII before the @ have their own code', () => {
    expect(parseMailbox('añn@b.example')).toHaveProperty('code', 'utf8-not-supported')
  })

  test('a line break around a name is refused, not removed', () => {
    expect(parseMailboxParts('a@b.example', 'Ann\n')).toHaveProperty('part', 'name')
    expect(parseMailbox('Ann\n<a@b.example>')).toHaveProperty('part', 'name')
  })
})

test('every accepted address fits on one line of ASCII, and is accepted again unchanged', () => {
  const piece = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }))
  const text = fc.oneof(
    piece,
    fc.emailAddress(),
    fc.tuple(piece, piece).map(([a, b]) => `${a}@${b}.example`),
    fc.stringMatching(/^[a. "\\@<>,;:()\r\n]{0,8}$/).map((a) => `"${a}"@b.example`),
    fc.stringMatching(/^[a.]{1,6}$/).map((a) => `${a}@b.example`),
  )
  fc.assert(
    fc.property(text, (input) => {
      const parsed = parseAddress(input)
      if ('detail' in parsed) return
      expect(parsed.address).toMatch(/^(?:[!-~]+|"[ -~]+")@[a-z0-9.-]+$/)
      expect(parsed.address.slice(0, parsed.address.lastIndexOf('@'))).not.toMatch(/[<>@]/)
      expect(parsed.address.length).toBeLessThanOrEqual(254)
      expect(parseAddress(parsed.address)).toEqual(parsed)
    }),
    { numRuns: 1_000 },
  )
})

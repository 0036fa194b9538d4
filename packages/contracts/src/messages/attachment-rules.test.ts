import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64 } from './attachment-rules.ts'
import { contentTypeIssue, contentTypeOf } from './content-type.ts'
import { executableExtensions, filenameIssue } from './filename-rules.ts'

describe('decodeBase64', () => {
  test('returns exactly the bytes that were encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const buffer = Buffer.from(bytes)
        expect(decodeBase64(buffer.toString('base64'))).toEqual(buffer)
      }),
    )
  })

  test('reads a text only when encoding the result gives the same text', () => {
    const almost = fc.stringMatching(/^[A-Za-z0-9+/=\-_ \n]{0,24}$/)
    fc.assert(
      fc.property(fc.oneof(almost, fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
        const decoded = decodeBase64(text)
        if (typeof decoded !== 'string') expect(decoded.toString('base64')).toBe(text)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['nothing', ''],
    ['a wrong length', 'YWJ'],
    ['no padding', 'YQ'],
    ['only padding', '===='],
    ['three of padding', 'Y==='],
    ['padding inside', 'YQ==YWJj'],
    ['left-over bits', 'YR=='],
    ['a line break', 'YWJj\nYWI='],
    ['a space', 'YWJ YWI='],
    ['the URL alphabet', 'ab-_'],
    ['a data: URI', 'data:text/plain;base64,YWJj'],
    ['a character above 255', 'YWJ\u0141'],
    ['NUL', 'YWJ\0'],
    ['a lone surrogate', 'YWJ\ud800'],
  ])('%s is refused', (_, text) => {
    expect(typeof decodeBase64(text)).toBe('string')
  })
})

describe('filenameFault', () => {
  test.each([
    'invoice.pdf',
    'Rechnung Nº 5 (März).pdf',
    'archive.tar.gz',
    'no-extension',
    '.profile',
    'console.log.txt',
    'nullable.txt',
    'com10.txt',
    '請求書.pdf',
    `${'a'.repeat(251)}.pdf`,
  ])('%s is accepted', (filename) => {
    expect(filenameIssue(filename)).toBeUndefined()
  })

  test.each([
    ['nothing', '', 'empty'],
    ['a path up', '../../x', 'path'],
    ['a path', '/etc/passwd', 'path'],
    ['a Windows path', 'C:\\x.txt', 'path'],
    ['a stream of a file', 'x.txt:hidden', 'path'],
    ['a drive', 'C:x.txt', 'path'],
    ['a stream behind a time', '10:30:x.txt', 'path'],
    ['a colon at the end', 'x.txt:', 'path'],
    ['.', '.', 'dot'],
    ['..', '..', 'dot'],
    ['a header', 'a\r\nX: y', 'control'],
    ['NUL', 'a\0.txt', 'control'],
    ['a lone surrogate', 'a\ud800.txt', 'surrogate'],
    ['300 characters', 'a'.repeat(300), '255'],
    ['a device', 'NUL', 'Windows'],
    ['a device with extension', 'con.txt', 'Windows'],
    ['a port', 'LPT1.pdf', 'Windows'],
    ['a port in superscript', 'COM¹.pdf', 'Windows'],
    ['a device with a space', 'nul .txt', 'Windows'],
    ['a direction override', 'cod\u202etxt.exe', 'direction'],
    ['a direction embedding', 'cod\u202btxt.pdf', 'direction'],
    ['a direction isolate', 'cod\u2066txt.pdf', 'direction'],
    ['a program', 'setup.exe', '.exe'],
    ['a program in upper case', 'SETUP.EXE', '.exe'],
    ['a script', 'x.js', '.js'],
    ['a screen saver', 'x.scr', '.scr'],
    ['a double extension', 'invoice.pdf.exe', '.exe'],
    ['a full-width extension', 'setup．ｅｘｅ', '.exe'],
    ['a program named by a time', 'x 10:30.exe', '.exe'],
    ['only a space', ' ', 'space'],
    ['only an extension', '.bat', '.bat'],
    ['a dot after the extension', 'setup.exe.', 'dot'],
    ['a space after the extension', 'setup.exe ', 'space'],
  ])('%s is refused', (_, filename, detail) => {
    expect(filenameIssue(filename)).toContain(detail)
  })

  // What phones, cameras and office programs of many languages write.
  test.each([
    '報告：2026年.pdf',
    '見積書／請求書.pdf',
    '株式会社＼名.pdf',
    'Report ℅ Müller.pdf',
    'Rechnung ½.pdf',
    '＜見積＞.pdf',
    '（最終版）報告書．pdf',
    'ＣＯＮ.pdf',
    'À suivre….pdf',
    'À suivre…',
    '会議メモ。',
    'Meeting 10:30.pdf',
    'Screenshot from 2026-11-28 10:30:59.png',
    'Ru\u0308ckmeldung.pdf',
    'e\u0301te\u0301.heic',
    'فاتورة\u200f 12.pdf',
    'חשבונית\u200e (2).pdf',
    'نمی\u200cخواهم.docx',
    'ใบแจ้งหนี้.pdf',
    'हिन्दी.pdf',
    '👨\u200d👩\u200d👧 family.jpg',
    'Facture\u00a0n°\u00a012.pdf',
    'IMG_0001 (1).HEIC',
    '3⁄4 Zoll.pdf',
    'a∕b⧸c꞉d.pdf',
    ' Scan.pdf',
    "L'été & l'hiver; 100 %, #1 [neu] {x} = y+z~.pdf",
  ])('case 13: %s is accepted', (filename) => {
    expect(filenameIssue(filename)).toBeUndefined()
  })

  test.each([...executableExtensions])('.%s is refused', (extension) => {
    expect(filenameIssue(`x.${extension}`)).toContain(`.${extension}`)
  })
})

describe('contentTypeFault', () => {
  test.each([
    'application/pdf',
    'text/plain; charset=utf-8',
    'text/calendar;method=REQUEST;charset="utf-8"',
    'image/svg+xml',
    'application/vnd.ms-excel.sheet.macroEnabled.12',
  ])('%s is accepted', (contentType) => {
    expect(contentTypeIssue(contentType)).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['no subtype', 'text'],
    ['two slashes', 'text/plain/x'],
    ['a header', 'text/plain\r\nBcc: e@e.example'],
    ['a header in a parameter', 'text/plain; charset="a\r\nBcc: e@e.example"'],
    ['a second file name', 'application/pdf; name="setup.exe"'],
    ['a second file name in pieces', 'application/pdf; name*0=setup; name*1=.exe'],
    ['a boundary', 'text/plain; boundary=x'],
    ['a multipart', 'multipart/mixed'],
    ['a message', 'Message/RFC822'],
    ['characters outside ASCII', 'text/plàin'],
    ['a quote that does not close', 'text/plain; charset="utf-8'],
    ['an empty parameter', 'text/plain;'],
    ['a megabyte', `text/${'a'.repeat(1_000_000)}`],
  ])('%s is refused', (_, contentType) => {
    expect(contentTypeIssue(contentType)).toBeTypeOf('string')
  })
})

test('a missing type follows the extension, and property names of Object are no extensions', () => {
  expect(contentTypeOf('a.PDF')).toBe('application/pdf')
  expect(contentTypeOf('a.constructor')).toBe('application/octet-stream')
  expect(contentTypeOf('a')).toBe('application/octet-stream')
})

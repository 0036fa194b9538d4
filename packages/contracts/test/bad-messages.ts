import type { ProblemCode } from '../src/problems/problems.ts'

/** Smallest message that is accepted; the cases below change it. */
export const goodMessage = { from: 'app@acme.example', to: 'user@example.net', subject: 'Hello', text: 'Hi' }

export const goodFile = { filename: 'a.txt', content: 'aGVsbG8=' }

/** The fault, the fields to change in `goodMessage`, the place of the only fault, and its code. */
export type BadMessage = [name: string, change: object, pointer: string, code?: ProblemCode]

const file = goodFile
const attach = (change: object) => ({ attachments: [{ ...file, ...change }] })

/** Text that JSON.parse makes an own `__proto__` key of, as a literal would not. */
const json = (text: string): object => JSON.parse(text)

/** This number of different addresses. */
export const addresses = (count: number) => Array.from({ length: count }, (_, i) => `user${i}@example.net`)

/** This number of different keys with one value. */
export const keys = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]))

/**
 * Messages that must be refused with 422 (or the status of the code given). Numbers are rows of the bad-input
 * catalogue, where there is one. Adding a case is one line. Over HTTP, keys and characters that no body may have
 * (rows 11, 14, 15) are refused before the fields are looked at.
 */
export const badMessages: BadMessage[] = [
  ['9 unknown field', { colour: 'red' }, '#/colour'],
  ['9 unknown field that is a pointer', { 'a/b~c d': 1 }, '#/a~1b~0c%20d'],
  ['10 to is a number', { to: 5 }, '#/to'],
  ['10 a number among addresses', { to: ['a@example.net', 5] }, '#/to/1'],
  ['10 subject is a list', { subject: ['a'] }, '#/subject'],
  ['10 null for a list', { cc: null }, '#/cc'],
  ['10 a number in tags', { tags: [5] }, '#/tags/0'],
  ['10 a number in metadata', { metadata: { a: 5 } }, '#/metadata/a'],
  ['11 __proto__ in the body', json('{"__proto__":{"x":1}}'), '#/__proto__'],
  ['11 __proto__ in metadata', json('{"metadata":{"__proto__":"x"}}'), '#/metadata/__proto__'],
  [
    '11 __proto__ in an address',
    json('{"to":[{"email":"a@example.net","__proto__":1}]}'),
    '#/to/0/__proto__',
  ],
  ['13 60,000 keys in metadata', { metadata: keys(60_000, 'x') }, '#/metadata'],
  ['13 a metadata value over 1 kB', { metadata: { a: 'é'.repeat(513) } }, '#/metadata/a'],
  ['13 metadata over 10 kB', { metadata: keys(11, 'x'.repeat(1_000)) }, '#/metadata'],
  ['13 a metadata key of 65', { metadata: { ['k'.repeat(65)]: 'x' } }, `#/metadata/${'k'.repeat(65)}`],
  ['14 NUL in the subject', { subject: 'a\0b' }, '#/subject'],
  ['14 NUL in the text', { text: 'a\0b' }, '#/text'],
  ['14 NUL in the html', { html: 'a\0b' }, '#/html'],
  ['14 NUL in a header', { headers: { 'X-A': 'a\0b' } }, '#/headers/X-A'],
  ['14 NUL in a tag', { tags: ['a\0b'] }, '#/tags/0'],
  ['14 NUL in metadata', { metadata: { a: 'a\0b' } }, '#/metadata/a'],
  ['14 NUL in a metadata key', { metadata: { 'a\0b': 'x' } }, '#/metadata/a%00b'],
  ['14 NUL in a name', { to: { email: 'a@example.net', name: 'a\0b' } }, '#/to/name'],
  [
    '14 NUL in a content id',
    attach({ content_id: 'a\0' }),
    '#/attachments/0/content_id',
    'attachment-rejected',
  ],
  ['14 NUL in a connection', { connection: 'con_\0' }, '#/connection', 'connection-not-found'],
  ['15 lone surrogate in the subject', { subject: '\ud800' }, '#/subject'],
  ['15 lone surrogate in the text', { text: '\ud800' }, '#/text'],
  ['15 lone surrogate in the html', { html: 'x\udfff' }, '#/html'],
  ['15 lone surrogate in a header', { headers: { 'X-A': '\ud800' } }, '#/headers/X-A'],
  ['15 lone surrogate in metadata', { metadata: { a: '\ud800' } }, '#/metadata/a'],
  ['15 lone surrogate in a metadata key', { metadata: { '\ud800': 'x' } }, '#/metadata/%EF%BF%BD'],
  ['15 lone surrogate in a name', { to: [{ email: 'a@example.net', name: '\ud800' }] }, '#/to/0/name'],
  ['33 no recipients', { to: [] }, '#/to'],
  ['23 no recipient in to, cc and bcc', { to: undefined, cc: [], bcc: [] }, '#/to'],
  ['33 51 recipients in one field', { to: addresses(51) }, '#/to'],
  ['33 51 recipients together', { to: addresses(50), bcc: 'other@example.net' }, '#/to'],
  ['33 two authors', { from: ['a@acme.example', 'b@acme.example'] }, '#/from'],
  ['33 no author', { from: [] }, '#/from'],
  ['34 address without @', { cc: ['b@example.net', 'c'] }, '#/cc/1'],
  ['34 localhost', { from: 'root@localhost' }, '#/from'],
  ['34 in two parts', { to: { email: 'a b@example.net' } }, '#/to/email'],
  ['34 in reply_to', { reply_to: ['a@[127.0.0.1]'] }, '#/reply_to/0'],
  ['35 quoted local part', { to: '"x@evil.example y"@b.example' }, '#/to'],
  ['25 angle brackets in quotes', { bcc: ['"a> <evil@x"@b.example'] }, '#/bcc/0'],
  ['25 CRLF in quotes', { to: '"a\r\nRCPT TO:<e@e.example>"@b.example' }, '#/to'],
  ['25 NUL in quotes', { from: '"a\0b"@b.example' }, '#/from'],
  ['25 text behind the closing quote', { to: '"a" b"@b.example' }, '#/to'],
  ['25 nothing but dots', { to: '..@b.example' }, '#/to'],
  ['25 UTF-8 in quotes', { to: ['"é x"@example.net'] }, '#/to/0', 'utf8-not-supported'],
  ['37 CRLF in an address', { to: 'b@b.example\r\nBcc: e@e.example' }, '#/to'],
  ['37 CRLF in a subject', { subject: 'a\r\nBcc: e@e.example' }, '#/subject'],
  ['37 CRLF in a name', { to: { email: 'a@example.net', name: 'a\r\nBcc: e@e.example' } }, '#/to/name'],
  [
    '37 an address with parts unknown',
    { to: { email: 'a@example.net', address: 'a@example.net' } },
    '#/to/address',
  ],
  ['39 CRLF in a header value', { headers: { 'X-A': 'a\r\nBcc: e@e.example' } }, '#/headers/X-A'],
  ['39 an object as header value', { headers: { 'X-A': { prepared: true, value: 'x' } } }, '#/headers/X-A'],
  ['39 a list as header value', { headers: { 'X-A': ['a', 'b'] } }, '#/headers/X-A'],
  ['40 CR in a header name', { headers: { 'X-A\r\nBcc': 'x' } }, '#/headers/X-A%0D%0ABcc'],
  ['40 colon in a header name', { headers: { 'X-A:': 'x' } }, '#/headers/X-A%3A'],
  ['40 space in a header name', { headers: { 'X A': 'x' } }, '#/headers/X%20A'],
  ['40 non-ASCII header name', { headers: { 'X-É': 'x' } }, '#/headers/X-%C3%89'],
  ['40 empty header name', { headers: { '': 'x' } }, '#/headers/'],
  ['40 __proto__ as header name', json('{"headers":{"__proto__":"x"}}'), '#/headers/__proto__'],
  ['40 header name of 77', { headers: { ['X'.repeat(77)]: 'x' } }, `#/headers/${'X'.repeat(77)}`],
  ['40 header name twice', { headers: { 'X-A': '1', 'x-a': '2' } }, '#/headers/x-a'],
  ['42 51 headers', { headers: keys(51, 'x') }, '#/headers'],
  ['42 headers over 16 kB', { headers: keys(50, 'x'.repeat(330)) }, '#/headers'],
  ['46 UTF-8 local part', { to: ['é@example.net'] }, '#/to/0', 'utf8-not-supported'],
  ['48 no text and no html', { text: undefined }, '#/text'],
  ['48 both empty', { text: '', html: '' }, '#/text'],
  ['24 nothing but a subject', { text: '', html: undefined, attachments: [] }, '#/text'],
  ['22 AMP without html', attach({ content_type: 'text/x-amp-html' }), '#/html'],
  [
    '22 AMP twice',
    {
      html: '<p>Hi</p>',
      attachments: [
        { ...file, content_type: 'text/x-amp-html' },
        { ...file, content_type: 'Text/X-AMP-HTML; charset=utf-8' },
      ],
    },
    '#/attachments/1/content_type',
    'attachment-rejected',
  ],
  [
    '22 AMP in another charset',
    { html: '<p>Hi</p>', ...attach({ content_type: 'text/x-amp-html; charset=utf-16' }) },
    '#/attachments/0/content_type',
    'attachment-rejected',
  ],
  [
    '22 an invitation whose text has another type',
    attach({ content_type: 'text/calendar; method=REQUEST', content: '/w==' }),
    '#/attachments/0/content',
    'attachment-rejected',
  ],
  ['50 path of an attachment', attach({ path: '/etc/passwd' }), '#/attachments/0/path'],
  ['50 href of an attachment', attach({ href: 'http://169.254.169.254' }), '#/attachments/0/href'],
  ['50 html from a path', { html: { path: '/etc/passwd' } }, '#/html'],
  ['50 content from a path', attach({ content: { path: '/etc/passwd' } }), '#/attachments/0/content'],
  ['51 content not base64', attach({ content: '!!!!' }), '#/attachments/0/content', 'attachment-rejected'],
  ['51 empty content', attach({ content: '' }), '#/attachments/0/content', 'attachment-rejected'],
  [
    '51 wrong length',
    { attachments: [file, { ...file, content: 'aGVsbG8' }] },
    '#/attachments/1/content',
    'attachment-rejected',
  ],
  [
    '51 data: URI',
    attach({ content: 'data:text/plain;base64,aGVsbG8=' }),
    '#/attachments/0/content',
    'attachment-rejected',
  ],
  [
    '52 path in a file name',
    attach({ filename: '../../x' }),
    '#/attachments/0/filename',
    'attachment-rejected',
  ],
  [
    '52 header in a file name',
    attach({ filename: 'a\r\nX: y' }),
    '#/attachments/0/filename',
    'attachment-rejected',
  ],
  ['52 program', attach({ filename: 'a.pdf.exe' }), '#/attachments/0/filename', 'attachment-rejected'],
  [
    '52 content type',
    attach({ content_type: 'text' }),
    '#/attachments/0/content_type',
    'attachment-rejected',
  ],
  ['53 51 attachments', { attachments: Array.from({ length: 51 }, () => file) }, '#/attachments'],
  [
    'inline without content id',
    attach({ disposition: 'inline' }),
    '#/attachments/0/content_id',
    'attachment-rejected',
  ],
  [
    'content id twice',
    {
      attachments: [
        { ...file, content_id: 'a' },
        { ...file, content_id: 'a' },
      ],
    },
    '#/attachments/1/content_id',
    'attachment-rejected',
  ],
  [
    'content id in brackets',
    attach({ content_id: '<a>' }),
    '#/attachments/0/content_id',
    'attachment-rejected',
  ],
  ['other disposition', attach({ disposition: 'x' }), '#/attachments/0/disposition'],
  ['subject of 999', { subject: 's'.repeat(999) }, '#/subject'],
  ['text of 5 MB and one', { text: 'x'.repeat(5_000_001) }, '#/text'],
  ['11 tags', { tags: addresses(11) }, '#/tags'],
  ['a tag of 65', { tags: ['t'.repeat(65)] }, '#/tags/0'],
  ['an empty tag', { tags: [''] }, '#/tags/0'],
  ['other stream', { stream: 'x' }, '#/stream'],
  ['time without offset', { send_at: '2026-11-21T12:00:00' }, '#/send_at'],
  ['a day that does not exist', { send_at: '2026-11-31T12:00:00Z' }, '#/send_at'],
  ['a number as time', { send_at: 1_800_000_000 }, '#/send_at'],
  ['more than an hour past', { send_at: '2026-11-20T10:59:59Z' }, '#/send_at'],
  ['more than 30 days ahead', { send_at: '2026-12-20T12:00:01Z' }, '#/send_at'],
  ['a connection that no id can be', { connection: 'x' }, '#/connection', 'connection-not-found'],
  [
    'a message id as connection',
    { connection: 'msg_01m7wa5yjwe1qr5m7w1gzh99cc' },
    '#/connection',
    'connection-not-found',
  ],
  ['template', { template: { id: 'x' } }, '#/template', 'field-not-supported'],
  ['tracking', { tracking: { opens: true } }, '#/tracking', 'field-not-supported'],
  [
    'reply_tracking',
    { reply_tracking: true, reply_to: 'a@example.net' },
    '#/reply_tracking',
    'validation-failed',
  ],
  ['callback_url', { callback_url: 'ftp://a.example' }, '#/callback_url', 'validation-failed'],
  [
    'callback_url with a password',
    { callback_url: 'https://u:p@a.example' },
    '#/callback_url',
    'validation-failed',
  ],
  ['null for a field of later', { template: null }, '#/template', 'field-not-supported'],
]

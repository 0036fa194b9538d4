import { expect, test } from 'vitest'
import { mediaTypeIssue } from './media-type.ts'

test.each([
  'application/json',
  'application/json;',
  'application/json ; ',
  'Application/JSON; Charset=UTF-8',
  'application/json;charset=utf8',
  'application/json; charset="utf-8"',
  'application/json; charset=UTF8;',
  'application/json; odata=verbose',
  'application/json; charset=utf-8; profile="a;b"; ; q=1',
])('case 19: %s is JSON in UTF-8', (field) => {
  expect(mediaTypeIssue(field)).toBeNull()
})

test.each([
  ['application/json; charset=utf-16', 'The charset utf-16 is not supported: send JSON as UTF-8'],
  ['application/json; charset="iso-8859-1"', 'The charset iso-8859-1 is not supported'],
  ['application/json; odata=verbose; charset=utf-32', 'The charset utf-32 is not supported'],
  ['application/json; charset', 'The parameter "charset" of Content-Type has no value.'],
  ['application/json; charset=', 'The charset  is not supported'],
  ['text/plain', 'Content-Type is text/plain: it must be application/json.'],
  ['application/jsonp', 'Content-Type is application/jsonp'],
  ['application/json, text/xml', 'Content-Type is application/json, text/xml'],
  ['application/json\ta', 'Content-Type is application/json?a'],
  ['', 'Content-Type is missing'],
  [undefined, 'Content-Type is missing'],
  [`application/json; a=${'x'.repeat(300)}`, 'longer than 200 characters'],
])('case 19: %s is refused with its cause', (field, text) => {
  expect(mediaTypeIssue(field)).toContain(text)
})

import { expect, test } from 'vitest'
import { buildOutboundMessage } from '../../test/io.ts'
import { pendingFieldsWithTo } from './mailbox-text.ts'

const [copy, hidden, other] = ['copy', 'hidden', 'other'].map((name) => ({ address: `${name}@x.example` }))
const fields = (...envelopeTo: string[]) =>
  pendingFieldsWithTo(
    buildOutboundMessage({
      to: [{ address: 'reader@x.example' }],
      cc: copy ? [copy] : [],
      bcc: hidden && other ? [hidden, other] : [],
      envelopeTo,
    }),
  )

test.each([copy, hidden])('a copy that is sent alone is in To, and no other recipient is named', (one) => {
  expect(fields(one?.address ?? '')).toEqual({ to: [one], cc: [], bcc: [] })
})

test('with a To recipient, copies stay copies', () => {
  expect(fields('reader@x.example', 'copy@x.example')).toMatchObject({ cc: [copy], bcc: [] })
  expect(fields('reader@x.example', 'hidden@x.example')).toMatchObject({ cc: [], bcc: [hidden] })
})

test('several copies never show each other in To', () => {
  expect(fields('hidden@x.example', 'other@x.example')).toEqual({ to: [], cc: [], bcc: [hidden, other] })
})

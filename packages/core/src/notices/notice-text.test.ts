import { expect, test } from 'vitest'
import { noticedTypes } from '../lib/index.ts'
import { noticeText } from './notice-text.ts'

const due = { tenantId: 't', tenantName: 'Acme', to: 'ops@acme.example', seq: 1, at: new Date(0), given: 0 }

test.each(noticedTypes)(
  'the mail about %s has a subject of one line, and says how to end these mails',
  (type) => {
    const { subject, text } = noticeText({ ...due, type, data: {} })
    expect(subject).toMatch(/^[^\r\n]{10,78}$/)
    expect(text).toContain('PATCH /v1/settings {"notices_to": null}')
  },
)

test('the reason and the details stand in the text', () => {
  const data = { reason: 'The URL answered 410 Gone.', detail: { endpoint: 'end_1' } }
  const { text } = noticeText({ ...due, type: 'endpoint.disabled', data })
  expect(text).toContain('The URL answered 410 Gone.')
  expect(text).toContain('endpoint: end_1')
})

import { createProviders } from '@lettergate/providers/registry'
import { expect, test } from 'vitest'
import { buildLoadedMessage } from '../../test/loaded-message.ts'
import { formOfCall } from './carried-of.ts'

const { gmail, smtp } = createProviders()
const envelope = {
  from: { address: 'a@x.example' },
  subject: 'x',
  tags: [],
  attachment_count: 0,
  recipients: [],
}
const mailWith = (lost: string | null) =>
  buildLoadedMessage({
    document: {
      envelope,
      mime: { bytes: 10, message_id: '<1@x>', orders: [], names_others: false, text_bytes: 1, lost },
    },
  })
const mail = mailWith(null)
const signed = mailWith('is multipart/signed')

test('a mail that its client wrote is sent to all its recipients, by any provider that accepts MIME', () => {
  expect(formOfCall(mail, mail.recipients, gmail.capabilities)).toEqual({ takesRaw: true })
  expect(formOfCall(signed, signed.recipients, gmail.capabilities)).toEqual({ takesRaw: true })
})

test('a provider that reads recipients from the mail gets fields, or no call, after some recipients have the mail', () => {
  const rest = mail.recipients.slice(0, 1)
  expect(formOfCall(mail, rest, smtp.capabilities)).toEqual({ takesRaw: true })
  expect(formOfCall(mail, rest, gmail.capabilities)).toEqual({ takesRaw: false })
  const incompatibility = expect.stringContaining('names somebody')
  expect(formOfCall(signed, signed.recipients.slice(0, 1), gmail.capabilities)).toEqual({ incompatibility })
})

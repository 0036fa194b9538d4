import { expect, test } from 'vitest'
import { createSmtpReader } from './read-smtp.ts'

function saidBy(chunks: readonly string[]): string[] {
  const read = createSmtpReader()
  return chunks.flatMap((chunk) => read(Buffer.from(chunk)))
}

test('commands and messages are found for every split of the bytes', () => {
  const wire = [
    'EHLO a\r\n',
    'MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\nDATA\r\n',
    'Subject: x\r\n\r\nDATA\r\n..\r\n.x\r\n.\r\n',
    'quit\r\n',
  ].join('')
  for (const size of [1, 3, 7, 50, wire.length]) {
    const chunks = Array.from({ length: Math.ceil(wire.length / size) }, (_, at) =>
      wire.slice(at * size, (at + 1) * size),
    )
    expect(saidBy(chunks)).toEqual(['EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA', 'message', 'QUIT'])
  }
})

test('an incomplete message is not reported', () => {
  expect(saidBy(['DATA\r\n', 'Subject: x\r\n\r\nHello\r\n.\r'])).toEqual(['DATA'])
})

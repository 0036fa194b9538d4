import { expect, test } from 'vitest'
import { classifyBounce } from './bounce-class.ts'

test.each([
  ['5.1.1', '', 'hard'],
  ['5.1.2', '', 'hard'],
  ['5.1.10', '', 'hard'],
  ['5.2.1', '', 'hard'],
  ['5.4.4', '', 'hard'],
  ['5.7.17', '', 'hard'],
  ['5.2.2', '', 'soft'],
  ['5.3.4', '', 'soft'],
  ['5.4.7', '', 'soft'],
  ['5.6.0', '', 'soft'],
  ['4.4.1', '', 'soft'],
  ['4.2.2', 'user unknown', 'soft'],
  ['5.7.1', '', 'block'],
  ['5.7.26', '', 'block'],
  // The sender, not the recipient.
  ['5.1.8', '', 'block'],
  ['5.1.0', '<app@acme.example>: Sender address rejected: User unknown in virtual mailbox table', 'block'],
  [
    '5.1.1',
    'Verification failed for <app@acme.example> 550 No such user here 550 Sender verify failed',
    'block',
  ],
  [undefined, '553 sorry, sender domain does not exist', 'block'],
  // A policy under the code of a bad address.
  ['5.1.1', 'rejected by our spam filter', 'block'],
  ['5.0.0', '550 listed by Spamhaus', 'block'],
  ['5.2.1', 'Mailbox unavailable. Your IP address 192.0.2.9 is blacklisted using SPAMHAUS-XBL.', 'block'],
  [undefined, '550 Requested action not taken: mailbox unavailable. Sender address is not allowed.', 'block'],
  [undefined, '550 Requested action not taken: mailbox unavailable', 'hard'],
  // A bad address under the code of a policy.
  ['5.7.1', 'user unknown, rejected by policy', 'block'],
  ['5.0.0', '550 No such user', 'hard'],
  [undefined, "550 the account doesn't exist", 'hard'],
  [undefined, '552 mailbox full', 'soft'],
  [undefined, '550 something else', undefined],
  ['5.0.0', '', undefined],
  ['5.5.1', '', undefined],
])('%s %s is %s', (status, words, bounce) => {
  expect(classifyBounce(status, words)).toBe(bounce)
})

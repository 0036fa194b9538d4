import type { Example } from '../../../test/example.ts'
import {
  account,
  content,
  credentials,
  quota,
  recipient,
  sender,
  settings,
  unknown,
} from '../../../test/known-answer.ts'
import { toOutcome } from '../outcome.ts'

export const example: Example = {
  credentials: { server_token: 'token-1' },
  ways: [{}],
  accepts: { body: { MessageID: 'abc', ErrorCode: 0, Message: 'OK' } },
  judge: toOutcome,
  refusal: (code, Message) => ({ ErrorCode: Number(code), Message }),
  unknownCode: '999',
  knownAnswers: [
    {
      source: 'https://postmarkapp.com/developer/api/overview#error-codes',
      rows: [
        [401, '10', 'Request does not contain a valid Server token.', credentials],
        [422, '300', "Invalid 'From' address: 'x'.", sender],
        [422, '300', "Error parsing 'To': Illegal email address 'x'.", recipient],
        [422, '300', 'Provide either email TextBody or HtmlBody or both.', content],
        [422, '400', "The 'From' address you supplied is not a Sender Signature.", sender],
        [422, '401', "The 'From' address is not confirmed.", sender],
        [422, '405', 'You have exceeded your credits.', quota],
        [422, '406', 'You tried to send to a recipient that has been marked as inactive.', recipient],
        [422, '411', 'Forbidden attachment type', content],
        [
          422,
          '412',
          "While your account is pending approval, all recipient addresses must share the same domain as the 'From' address.",
          'provider-sandbox',
        ],
        [422, '413', 'Your account may not send.', account],
        [422, '1101', 'The template is not found.', settings],
        [422, '1235', 'The message stream does not exist.', settings],
        [422, '100', 'Maintenance', 'provider-unavailable'],
        [422, '999', 'Nothing we know', unknown],
      ],
    },
  ],
  refusesForOne: {
    unnamed: [
      [422, { ErrorCode: 300, Message: "Invalid 'To' address: 'x'." }],
      [422, { ErrorCode: 406, Message: 'You tried to send to inactive recipients.' }],
    ],
    named: [[422, { ErrorCode: 406, Message: 'Inactive addresses: b@x.example.' }]],
    ofAll: [[422, { ErrorCode: 300, Message: "Invalid 'ReplyTo' address." }]],
  },
}

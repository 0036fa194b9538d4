import type { OutboundMessage, SendOutcome } from '@lettergate/providers/provider'
import { buildOutboundMessage } from '@lettergate/providers/test/io'
import { expect, test } from 'vitest'
import { foldRecipients, unfoldOutcome } from './fold-recipients.ts'

function build(
  lists: Partial<Record<'to' | 'cc' | 'bcc', string[]>>,
  envelopeTo?: string[],
): OutboundMessage {
  const boxes = (list: string[] = []) => list.map((address) => ({ address }))
  const fields = { to: boxes(lists.to), cc: boxes(lists.cc), bcc: boxes(lists.bcc) }
  const all = [...fields.to, ...fields.cc, ...fields.bcc].map(({ address }) => address)
  return buildOutboundMessage({ ...fields, envelopeTo: envelopeTo ?? all })
}
const shown = ({ to, cc, bcc, envelopeTo }: OutboundMessage) => ({
  to: to.map(({ address }) => address),
  cc: cc.map(({ address }) => address),
  bcc: bcc.map(({ address }) => address),
  envelopeTo,
})

test.each([
  [
    { to: ['Ann@x.example', 'b@x.example'], cc: ['ann@x.example'] },
    { to: ['Ann@x.example', 'b@x.example'], cc: [], bcc: [] },
  ],
  [
    { to: ['a@x.example', 'A@x.example', 'b@x.example'] },
    { to: ['a@x.example', 'b@x.example'], cc: [], bcc: [] },
  ],
  [
    { to: ['b@x.example'], cc: ['ANN@x.example'], bcc: ['ann@x.example'] },
    { to: ['b@x.example'], cc: ['ANN@x.example'], bcc: [] },
  ],
  [
    { to: ['USER@x.example'], cc: ['User@x.example'], bcc: ['user@x.example'] },
    { to: ['USER@x.example'], cc: [], bcc: [] },
  ],
  [
    { to: ['b@x.example'], bcc: ['user@x.example', 'USER@x.example'] },
    { to: ['b@x.example'], cc: [], bcc: ['user@x.example'] },
  ],
])('case 1: of %o each mailbox is given once, in To before Cc before Bcc', (lists, expected) => {
  const folded = shown(foldRecipients(build(lists)).message)
  expect(folded).toMatchObject(expected)
  expect(folded.envelopeTo).toEqual([...expected.to, ...expected.cc, ...expected.bcc])
})

test('case 1: a waiting recipient is kept if another spelling of its mailbox was reached before', () => {
  const message = build({ to: ['Ann@x.example'], cc: ['ann@x.example'] }, ['ann@x.example'])
  expect(shown(foldRecipients(message).message)).toEqual({
    to: [],
    cc: ['ann@x.example'],
    bcc: [],
    envelopeTo: ['ann@x.example'],
  })
})

const { message, twins } = foldRecipients(
  build({ to: ['Ann@x.example', 'b@x.example'], cc: ['ann@x.example'] }),
)
const unfold = (outcome: SendOutcome, envelopeTo = message.envelopeTo) =>
  unfoldOutcome(outcome, twins, envelopeTo)
const refusal = { kind: 'rejected', code: 'recipient-refused', reason: 'no' } as const

test('case 1: every spelling of an address gets the outcome of the spelling that was sent', () => {
  const refused = [{ ...refusal, address: 'Ann@x.example' }]
  const both = ['Ann@x.example', 'ann@x.example'].map((address) => ({ ...refusal, address }))
  expect(unfold({ kind: 'accepted', providerMessageId: '1', refused })).toMatchObject({ refused: both })
  expect(unfold({ ...refusal, scope: 'message', refused })).toMatchObject({ refused: both })
  expect(unfold({ kind: 'accepted', providerMessageId: '1' })).toEqual({
    kind: 'accepted',
    providerMessageId: '1',
  })
})

test('case 1: a refusal of the only mailbox of a call holds for all its spellings, without another call', () => {
  expect(unfold({ ...refusal, scope: 'message' }, ['Ann@x.example'])).toMatchObject({
    refused: [{ address: 'Ann@x.example' }, { address: 'ann@x.example' }],
  })
  const tooLarge: SendOutcome = { ...refusal, scope: 'message', code: 'message-too-large' }
  expect(unfold(tooLarge, ['Ann@x.example'])).toEqual(tooLarge)
  expect(unfold({ ...refusal, scope: 'message' })).not.toHaveProperty('refused')
})

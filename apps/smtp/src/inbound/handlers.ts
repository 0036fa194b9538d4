import { toPublicId } from '@lettergate/contracts/lib/ids'
import { headOf, type InboundAcceptor, loopOf, type RecipientFinder } from '@lettergate/core/inbound'
import { holderOf } from '../session/caps.ts'
import { type Reply, reply } from '../session/reply.ts'
import type { SessionHandlers } from '../session/session-options.ts'
import type { Guesses } from './guesses.ts'

export type InboundHandlerDeps = {
  recipients: Pick<RecipientFinder, 'find'>
  acceptor: Pick<InboundAcceptor, 'accept' | 'isFull'>
  guesses: Guesses
  /** Counted for metrics. */
  onReceived: (result: 'stored' | 'repeat' | 'loop' | 'unknown' | 'no-route' | 'full') => void
}

const full = reply(451, '4.3.1', 'Too many mails wait to be read. Repeat this one later')
const guesser = reply(
  421,
  '4.7.0',
  'Too many unknown recipients were named from your address. Try again later',
)
const refusals = {
  unknown: (address: string) => reply(550, '5.1.1', `There is no ${address} here`),
  'no-route': (address: string) =>
    reply(550, '5.7.1', `This server takes no mail for ${address.slice(address.lastIndexOf('@') + 1)}`),
}

/** Answers the commands of a session that brings mail: whose it is at RCPT, and 250 after the mail is committed. */
export function createInboundHandlers(deps: InboundHandlerDeps): SessionHandlers<never> {
  const { recipients, acceptor, guesses, onReceived } = deps

  async function judge(address: string, remoteAddress: string): Promise<Reply | null> {
    const verdict = await recipients.find(address)
    if (!('refusal' in verdict)) return null
    onReceived(verdict.refusal)
    guesses.count(holderOf(remoteAddress))
    return refusals[verdict.refusal](address)
  }

  return {
    mayConnect: (remoteAddress) => (guesses.isMany(holderOf(remoteAddress)) ? guesser : null),
    async sender() {
      if (!acceptor.isFull()) return null
      onReceived('full')
      return full
    },
    recipient: (address, { remoteAddress }) => judge(address, remoteAddress),
    async message({ mail }, { envelope, remoteAddress, helo, isSecure }) {
      const head = headOf(mail)
      const loop = envelope.recipients.map((address) => loopOf(head, address)).find((one) => one !== null)
      if (loop !== undefined) {
        onReceived('loop')
        return reply(554, '5.4.6', loop)
      }
      const found = await Promise.all(
        envelope.recipients.map(async (address) => ({ address, found: await recipients.find(address) })),
      )
      const known = found.flatMap(({ address, found: one }) =>
        'refusal' in one ? [] : [{ address, found: one }],
      )
      // The route was deleted since RCPT, so a repeat is refused.
      if (known.length < found.length)
        return reply(451, '4.3.0', 'A recipient was just removed. Repeat the mail')
      const session = { sender: envelope.from, remoteAddress, helo, isTls: isSecure }
      const { id, isRepeat } = await acceptor.accept({ session, recipients: known, raw: mail })
      onReceived(isRepeat ? 'repeat' : 'stored')
      return reply(250, '2.0.0', `Ok: queued as ${toPublicId('inb', id)}`)
    },
  }
}

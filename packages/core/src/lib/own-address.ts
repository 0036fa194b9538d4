import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { fromPublicId, toPublicId } from '@lettergate/contracts/lib/ids'

/** What an address of ours is for: bounces of a message (VERP), or replies to it. */
type Purpose = 'bounce' | 'reply'

/** One recipient of a message, as the local part of an address of ours names it. */
export type OwnAddress = { purpose: Purpose; messageId: string; position: number }

/** Lower-case base32 without letters that look alike; mail servers on the way may change case. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TAG: Record<Purpose, string> = { bounce: 'b+', reply: 'reply+' }
const ID_CHARS = 26
const POSITION_CHARS = 2
const MAC_CHARS = 13
export const POSITION_MAX = 32 ** POSITION_CHARS - 1

function macOf(key: KeyObject, purpose: Purpose, body: string, domain: string): string {
  let bits = createHmac('sha256', key).update(`${purpose} ${body}@${domain}`).digest().readBigUInt64BE(0)
  let text = ''
  for (let i = 0; i < MAC_CHARS; i++) {
    text += ALPHABET[Number(bits & 31n)]
    bits >>= 5n
  }
  return text
}

/**
 * Makes the address at `domain` that bounces of, or replies to, one recipient of a message go to: 43 characters before the @ and after the
 * tag, with a MAC of 64 bits, so that nobody else can make one. `domain` is in lower case.
 */
export function makeOwnAddress(
  key: KeyObject,
  { purpose, messageId, position }: OwnAddress,
  domain: string,
): string {
  if (!Number.isInteger(position) || position < 0 || position > POSITION_MAX)
    throw new RangeError('no position of a recipient')
  const id = toPublicId('msg', messageId).slice('msg_'.length)
  const at = `${ALPHABET[position >> 5]}${ALPHABET[position & 31]}`
  const body = id + at
  return `${TAG[purpose]}${body}${macOf(key, purpose, body, domain)}@${domain}`
}

/** The recipient that an address of ours names; null: it is none, or its MAC is wrong. Asks nobody. */
export function readOwnAddress(key: KeyObject, address: string): OwnAddress | null {
  const lower = address.toLowerCase()
  const domain = lower.slice(lower.lastIndexOf('@') + 1)
  const local = lower.slice(0, -domain.length - 1)
  const purpose = local.startsWith(TAG.bounce) ? 'bounce' : local.startsWith(TAG.reply) ? 'reply' : null
  if (purpose === null) return null
  const text = local.slice(TAG[purpose].length)
  if (text.length !== ID_CHARS + POSITION_CHARS + MAC_CHARS) return null
  const body = text.slice(0, ID_CHARS + POSITION_CHARS)
  const mac = Buffer.from(text.slice(body.length), 'latin1')
  if (!timingSafeEqual(mac.subarray(0, MAC_CHARS), Buffer.from(macOf(key, purpose, body, domain), 'latin1')))
    return null
  const messageId = fromPublicId('msg', `msg_${body.slice(0, ID_CHARS)}`)
  const [high, low] = [...body.slice(ID_CHARS)].map((char) => ALPHABET.indexOf(char))
  if (messageId === null || high === undefined || low === undefined) return null
  return { purpose, messageId, position: high * 32 + low }
}

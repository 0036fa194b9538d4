import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Secret } from '../lib/secret.ts'
import type { OutboundMessage } from '../provider.ts'
import type { DkimKey } from './settings.ts'

const signApart = promisify(sign)

/** Signed once more than they occur, so that none can be added: https://www.rfc-editor.org/rfc/rfc6376#section-8.15 */
const sealed = ['from', 'to', 'cc', 'subject', 'date', 'reply-to', 'message-id']
const isSigned = new Set([
  ...sealed,
  ...['sender', 'mime-version', 'content-type', 'content-transfer-encoding', 'in-reply-to', 'references'],
  ...['list-id', 'list-unsubscribe', 'list-unsubscribe-post', 'auto-submitted', 'x-lg-id', 'feedback-id'],
])

type Field = { name: string; relaxed: string }

const keys = new WeakMap<Secret, KeyObject>()

/** The key itself; throws when the text holds none that DKIM knows. */
export function keyOf(secret: Secret): KeyObject {
  const known = keys.get(secret)
  if (known) return known
  const text = secret.reveal()
  const key = text.startsWith('-----')
    ? createPrivateKey(text)
    : createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ed25519')
    throw new TypeError('the key is neither RSA nor Ed25519')
  keys.set(secret, key)
  return key
}

/** The keys of the domain in From, and of domains above it. */
export function keysFor(from: string, dkim: readonly DkimKey[]): DkimKey[] {
  const domain = from.slice(from.lastIndexOf('@') + 1)
  return dkim.filter((key) => domain === key.domain || domain.endsWith(`.${key.domain}`))
}

/** The keys that sign a message: those of the sender's domain, then those of the connection. RSA first, since some receivers know no other. */
export function keysOf({ from, signingKeys = [] }: OutboundMessage, dkim: readonly DkimKey[]): DkimKey[] {
  const all = [...signingKeys, ...keysFor(from.address, dkim)]
  const isRsa = (key: DkimKey) => keyOf(key.private_key).asymmetricKeyType === 'rsa'
  return [...all.filter(isRsa), ...all.filter((key) => !isRsa(key))]
}

/**
 * The message with a signature of each key before it: https://www.rfc-editor.org/rfc/rfc6376. The same message gives the same bytes.
 * Nodemailer's signer names each field once, so it cannot seal one against a second of its kind.
 */
export async function signMime(mime: Buffer, dkim: readonly DkimKey[], at: Date): Promise<Buffer> {
  if (dkim.length === 0) return mime
  const end = mime.indexOf('\r\n\r\n')
  const fields = parseFields(mime.subarray(0, end).toString('latin1'))
  const bodyHash = await hashBody(mime.subarray(end + 4))
  const signatures = await Promise.all(dkim.map((key) => toSignature(key, fields, bodyHash, at)))
  return Buffer.concat([Buffer.from(signatures.join(''), 'latin1'), mime])
}

async function toSignature(key: DkimKey, fields: Field[], bodyHash: string, at: Date): Promise<string> {
  const privateKey = keyOf(key.private_key)
  const isRsa = privateKey.asymmetricKeyType === 'rsa'
  const { names, signed } = choose(fields)
  const tags = [
    `v=1; a=${isRsa ? 'rsa' : 'ed25519'}-sha256; c=relaxed/relaxed; d=${key.domain}`,
    `s=${key.selector}; t=${Math.floor(at.getTime() / 1000)}`,
    `h=${names.join(':\r\n  ')}`,
    `bh=${bodyHash}`,
    'b=',
  ].join(';\r\n ')
  const input = Buffer.from(`${signed}dkim-signature:${relax(tags)}`, 'latin1')
  // Ed25519 signs the digest: https://www.rfc-editor.org/rfc/rfc8463#section-3
  const signature = isRsa
    ? await signApart('sha256', input, privateKey)
    : await signApart(null, createHash('sha256').update(input).digest(), privateKey)
  const folded = signature.toString('base64').replace(/.{72}(?=.)/g, '$&\r\n  ')
  return `DKIM-Signature: ${tags}${folded}\r\n`
}

/** The names to sign, and their fields, of each name the last first. */
function choose(fields: Field[]): { names: string[]; signed: string } {
  const names = [...fields.map(({ name }) => name).filter((name) => isSigned.has(name)), ...sealed]
  const left = [...fields]
  const signed = names.map((name) => {
    const at = left.findLastIndex((field) => field.name === name)
    // Named though it is not there: https://www.rfc-editor.org/rfc/rfc6376#section-5.4.2
    return at < 0 ? '' : `${name}:${left.splice(at, 1)[0]?.relaxed}\r\n`
  })
  return { names, signed: signed.join('') }
}

function parseFields(head: string): Field[] {
  return head.split(/\r\n(?![ \t])/).map((line) => {
    const colon = line.indexOf(':')
    return { name: line.slice(0, colon).trim().toLowerCase(), relaxed: relax(line.slice(colon + 1)) }
  })
}

function relax(value: string): string {
  return value
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim()
}

const hashedBytes = 256 * 1024

/** https://www.rfc-editor.org/rfc/rfc6376#section-3.4.4, of a large body piece by piece, with others' turns between. */
async function hashBody(whole: Buffer): Promise<string> {
  const body = whole.subarray(0, endOfText(whole))
  const digest = createHash('sha256')
  for (let from = 0; from < body.length; ) {
    const lineEnd = body.indexOf(0x0a, from + hashedBytes)
    const to = lineEnd < 0 ? body.length : lineEnd + 1
    digest.update(canonical(body.toString('latin1', from, to)), 'latin1')
    from = to
    if (from < body.length) await turn()
  }
  if (body.length > 0) digest.update('\r\n')
  return digest.digest('base64')
}

function canonical(lines: string): string {
  return /[ \t]{2}|\t|[ \t]\r\n/.test(lines)
    ? lines.replace(/[ \t]+/g, ' ').replaceAll(' \r\n', '\r\n')
    : lines
}

/** Where the last line that says anything ends: spaces at the ends of lines count for nothing, nor do empty lines at the end. */
function endOfText(body: Buffer): number {
  let end = body.length
  for (;;) {
    if (body[end - 1] === 0x0a && body[end - 2] === 0x0d) end -= 2
    else if (body[end - 1] === 0x20 || body[end - 1] === 0x09) end -= 1
    else return end
  }
}

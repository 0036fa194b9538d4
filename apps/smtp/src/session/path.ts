import { parseAddress } from '@lettergate/contracts/lib/mailbox'
import { type Reply, reply } from './reply.ts'

export type Path = { address: string; parameters: string[] }

/** `MAIL FROM:<a@b.example> SIZE=1`: the path in brackets, and the parameters. Text in quotes may have any of it. */
const shape = /^(?:MAIL FROM|RCPT TO):[ \t]*<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?:[ \t]+(.*))?$/i

const known = {
  MAIL: new Set(['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'AUTH', 'REQUIRETLS']),
  RCPT: new Set(['NOTIFY', 'ORCPT']),
}

/** Of servers on the way, which repeat it in their reports: https://www.rfc-editor.org/rfc/rfc3461#section-4 */
const xtext = /^(?:[!-*,-<>-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))*$/
const charsMax: Record<string, number> = { ENVID: 100, ORCPT: 500 }

function isUnreadable(parameter: string): boolean {
  const [name = '', ...value] = parameter.split('=')
  const max = charsMax[name.toUpperCase()]
  const text = value.join('=')
  return max !== undefined && (text.length > max || !xtext.test(text))
}

/** Reads the path of MAIL or RCPT in the form in which addresses are stored; a reply says what is wrong with it. */
export function readPath(verb: 'MAIL' | 'RCPT', command: string): Path | Reply {
  const bad = (text: string, enhanced = verb === 'MAIL' ? '5.1.7' : '5.1.3'): Reply =>
    reply(553, enhanced, text)
  const match = shape.exec(command.trim())
  if (!match) return reply(501, verb === 'MAIL' ? '5.1.7' : '5.1.3', `Write ${example[verb]}`)
  const [, text = '', rest = ''] = match
  const parameters = rest === '' ? [] : rest.split(/[ \t]+/)
  const unknown = parameters.find((one) => !known[verb].has((one.split('=')[0] ?? '').toUpperCase()))
  if (unknown !== undefined) return reply(555, '5.5.4', `The parameter ${cut(unknown)} is not supported`)
  const unreadable = parameters.find(isUnreadable)
  if (unreadable !== undefined)
    return reply(501, '5.5.4', `The value of ${cut(unreadable)} is too long, or not written as RFC 3461 says`)
  if (text === '' && verb === 'MAIL') return { address: '', parameters }
  if (text.startsWith('@')) return bad('Source routes are not supported: write the address alone')
  if (/^[^"@]*[%!]/.test(text))
    return bad('The address has % or ! before the @, which some servers read as a route')
  const read = parseAddress(text)
  if ('address' in read) return { address: read.address, parameters }
  return bad(`The address ${read.detail}`, read.code === 'utf8-not-supported' ? '5.6.7' : undefined)
}

const example = { MAIL: 'MAIL FROM:<you@example.com>', RCPT: 'RCPT TO:<somebody@example.com>' }

function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text
}

import { domainToASCII } from 'node:url'
import type { Mailbox } from '../messages/new-message.ts'
import type { ProblemCode } from '../problems/problems.ts'
import { limits } from './field-limits.ts'
import { readLocalPart } from './local-part.ts'
import { lineIssue } from './text-rules.ts'

export type MailboxIssue = { part: 'email' | 'name'; detail: string; code?: ProblemCode }

const domainClass = 2
const upperClass = 4
const classOfCode = characterClasses()
const dot = 46
const hyphen = 45

/** Reads `a@b.example`, `<a@b.example>`, `Name <a@b.example>` or `"Last, First" <a@b.example>`. */
export function parseMailbox(text: string): Mailbox | MailboxIssue {
  if (text.length > limits.mailboxLengthMax)
    return issue(`is longer than ${limits.mailboxLengthMax} characters`)
  if (!text.endsWith('>')) return parseAddress(text)
  const open = text.lastIndexOf('<')
  if (open < 0) return issue('has > without <')
  const mailbox = parseAddress(text.slice(open + 1, -1))
  if ('detail' in mailbox) return mailbox
  const phrase = text.slice(0, open)
  // Judged before trimming, which would take a line break away instead of refusing it.
  const found = lineIssue(phrase)
  if (found !== undefined) return { part: 'name', detail: found }
  const name = parsePhrase(phrase.trim())
  return typeof name === 'string' ? withName(mailbox.address, name) : name
}

/** The same from its two parts, where a name needs no quoting. */
export function parseMailboxParts(email: string, name: string | undefined): Mailbox | MailboxIssue {
  if (email.length > limits.mailboxLengthMax)
    return issue(`is longer than ${limits.addressLengthMax} characters`)
  const mailbox = parseAddress(email)
  return name === undefined || 'detail' in mailbox ? mailbox : withName(mailbox.address, name)
}

function withName(address: string, text: string): Mailbox | MailboxIssue {
  if (text.length > limits.nameLengthMax) {
    return { part: 'name', detail: `is longer than ${limits.nameLengthMax} characters` }
  }
  const found = lineIssue(text)
  if (found !== undefined) return { part: 'name', detail: found }
  const name = text.trim()
  return name === '' ? { address } : { address, name }
}

// RFC 5322 §3.2.5 phrase. Outside quotes the characters that end a phrase or a list are refused: they are how
// several addresses, or another one, would hide in a name.
function parsePhrase(phrase: string): string | MailboxIssue {
  if (!phrase.startsWith('"')) {
    if (!/[",;:<>@]/.test(phrase)) return phrase
    return { part: 'name', detail: 'needs quotes around a name that has any of " , ; : < > @' }
  }
  let name = ''
  for (let i = 1; i < phrase.length; i += 1) {
    let character = phrase[i]
    if (character === '"') {
      return i === phrase.length - 1 ? name : { part: 'name', detail: 'has text after its closing quote' }
    }
    if (character === '\\') {
      i += 1
      character = phrase[i]
    }
    name += character ?? ''
  }
  return { part: 'name', detail: 'has no closing quote' }
}

/** A local part at a public domain name (RFC 5321 §4.1.2, without address literals), in the form it is stored and compared in. */
export function parseAddress(text: string): { address: string } | MailboxIssue {
  const at = text.lastIndexOf('@')
  if (at < 0) return issue('has no @')
  const local = readLocalPart(text.slice(0, at))
  if (typeof local !== 'string') return { part: 'email', ...local }
  const domain = parseDomain(text.slice(at + 1))
  if (typeof domain !== 'string') return domain
  if (local.length + 1 + domain.length > limits.addressLengthMax) {
    return issue(`is longer than ${limits.addressLengthMax} characters`)
  }
  return { address: `${local}@${domain}` }
}

/** A mail domain in the form it is stored and compared in: ASCII, lower case, no trailing dot. */
function parseDomain(text: string): string | MailboxIssue {
  if (text.startsWith('[')) return issue('has an IP address in place of a domain')
  let seen = 0
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    const kind = code > 127 ? nonAscii : (classOfCode[code] ?? 0)
    if ((kind & (domainClass | nonAscii)) === 0)
      return issue('has a character that is not allowed in a domain')
    seen |= kind
  }
  let domain = (seen & upperClass) === 0 ? text : text.toLowerCase()
  if (domain.endsWith('.')) domain = domain.slice(0, -1)
  // Only where it is needed: the function takes microseconds, and turns numbers such as 0x7f.1 into IP addresses.
  if ((seen & nonAscii) !== 0) domain = text.isWellFormed() ? domainToASCII(domain) : ''
  return checkDomain(domain) ?? domain
}

const nonAscii = 8

function checkDomain(domain: string): MailboxIssue | undefined {
  if (domain === '') return issue('has no valid domain')
  let start = 0
  let labels = 0
  let letters = false
  for (let i = 0; i <= domain.length; i += 1) {
    const code = i === domain.length ? dot : domain.charCodeAt(i)
    if (code === dot) {
      const length = i - start
      if (length === 0 || length > 63)
        return issue('has a domain label that is empty or longer than 63 characters')
      if (domain.charCodeAt(start) === hyphen || domain.charCodeAt(i - 1) === hyphen) {
        return issue('has a domain label that starts or ends with a hyphen')
      }
      labels += 1
      if (i === domain.length) break
      start = i + 1
      letters = false
    } else if (code >= 97) {
      letters = true
    }
  }
  if (labels < 2) return issue('has a domain without a top level')
  if (!letters || domain.length - start < 2) return issue('has a domain whose top level is not a name')
  return domain.endsWith('.localhost') ? issue('has a domain that only exists on one machine') : undefined
}

function issue(detail: string): MailboxIssue {
  return { part: 'email', detail }
}

function characterClasses(): Uint8Array {
  const table = new Uint8Array(128)
  const mark = (characters: string, kind: number) => {
    for (const character of characters) {
      const code = character.charCodeAt(0)
      table[code] = (table[code] ?? 0) | kind
    }
  }
  const lower = 'abcdefghijklmnopqrstuvwxyz'
  mark(lower, domainClass)
  mark(lower.toUpperCase(), domainClass | upperClass)
  mark('0123456789-.', domainClass)
  return table
}

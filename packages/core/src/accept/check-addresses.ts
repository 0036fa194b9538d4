import type { Mode, NewMessage } from '@lettergate/contracts/messages/new-message'
import type { Problem } from '@lettergate/contracts/problems/problems'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { Tenants } from '@lettergate/db/tenant-scope'
import { LRUCache } from 'lru-cache'
import {
  type MailDomains,
  type MailVerdict,
  type RecipientCheck,
  readRecipientCheck,
} from '../domains/index.ts'
import { isPlaceholder, isReserved, PLACEHOLDER_ADVICE } from './placeholder-domains.ts'

export type AddressJudgement = { problem: Problem | null; warnings: string[] }
export type AddressesCheck = {
  judge(tenant: { id: string; mode: Mode }, message: NewMessage, pointer: string): Promise<AddressJudgement>
}

/** Nothing here may make a sender wait longer: what is not known by then is accepted. */
const WAIT_MS = 200
/** A change of the setting counts after this time at the latest. */
const SETTING_TTL_MS = 30_000
const TENANTS_MAX = 5_000
/** A message with very many domains is judged by the first of them. */
const DOMAINS_MAX = 50

type Place = { pointer: (string | number)[]; domain: string }

const domainOf = (address: string) => address.slice(address.lastIndexOf('@') + 1)

function placesOf(message: NewMessage): Place[] {
  return (['to', 'cc', 'bcc'] as const).flatMap((field) =>
    message[field].map(({ address }, index) => ({
      // A single one may have been written without a list.
      pointer: message[field].length === 1 ? [field] : [field, index],
      domain: domainOf(address),
    })),
  )
}

const FAULTS: Partial<Record<MailVerdict, string>> = {
  'null-mx': 'takes no mail: it says so itself (null MX)',
  none: 'takes no mail: it has neither an MX record nor an address',
  'no-name': 'does not exist',
}

/** An address that nobody reads: answers to it are lost. */
const UNREAD = /^(no[-_.]?reply|do[-_.]?not[-_.]?reply|donotreply)([-_.+].*)?@/i

function staticWarnings({ from, replyTo, replyTracking, stream, headers, mime }: NewMessage): string[] {
  const warnings: string[] = []
  const hasReplyTo = replyTo.length > 0 || replyTracking === true
  if (mime === undefined && !hasReplyTo && UNREAD.test(from.address))
    warnings.push(`Replies to ${from.address} reach nobody. Set reply_to to an address that somebody reads.`)
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const hasOneClick = names.has('list-unsubscribe') && names.has('list-unsubscribe-post')
  if (mime === undefined && stream === 'bulk' && !hasOneClick)
    warnings.push(
      'Bulk mail without unsubscription by one click is often refused. Add the headers List-Unsubscribe and List-Unsubscribe-Post.',
    )
  return warnings
}

/** Looks at the addresses of new live messages: what is certainly wrong is refused, what is probably a mistake is a warning. */
export function createAddressesCheck(deps: { tenants: Tenants; mailDomains: MailDomains }): AddressesCheck {
  const settings = new LRUCache<string, RecipientCheck>({ max: TENANTS_MAX, ttl: SETTING_TTL_MS })
  const reading = new Map<string, Promise<RecipientCheck>>()

  /** Without an answer of the database nothing is looked up: the message itself is about to find out. */
  function readSetting(tenantId: string): Promise<RecipientCheck> {
    const underWay = reading.get(tenantId)
    if (underWay) return underWay
    const question = readRecipientCheck(deps.tenants, tenantId)
      .then((value) => {
        settings.set(tenantId, value)
        return value
      })
      .catch((): RecipientCheck => 'off')
      .finally(() => reading.delete(tenantId))
    reading.set(tenantId, question)
    return question
  }

  async function inTime<T>(work: Promise<T>, otherwise: T): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(otherwise), WAIT_MS)
    })
    const value = await Promise.race([work, late])
    clearTimeout(timer)
    return value
  }

  async function faultsOf(places: readonly Place[]): Promise<Map<string, string>> {
    const domains = [...new Set(places.map(({ domain }) => domain))].slice(0, DOMAINS_MAX)
    const verdicts = await Promise.all(
      domains.map(async (domain) => {
        if (isReserved(domain)) return [domain, 'is reserved for examples and takes no mail'] as const
        return [domain, FAULTS[await deps.mailDomains.ask(domain, WAIT_MS)]] as const
      }),
    )
    return new Map(verdicts.flatMap(([domain, fault]) => (fault === undefined ? [] : [[domain, fault]])))
  }

  return {
    async judge({ id, mode }, message, pointer) {
      const warnings = staticWarnings(message)
      if (mode === 'test') return { problem: null, warnings }
      const places = placesOf(message)
      const issues = new ValidationIssues(pointer)
      for (const place of places)
        if (isPlaceholder(place.domain)) issues.add(place.pointer, `${place.domain} ${PLACEHOLDER_ADVICE}`)
      if (issues.found) return { problem: issues.toProblem(), warnings }
      const sender = FAULTS[deps.mailDomains.known(domainOf(message.from.address))]
      if (sender !== undefined)
        warnings.push(
          `The sender's domain ${domainOf(message.from.address)} ${sender}, so that replies and bounces are lost.`,
        )
      const setting = settings.get(id) ?? (await inTime(readSetting(id), 'off'))
      if (setting === 'off') return { problem: null, warnings }
      const faults = await faultsOf(places)
      if (setting === 'warn') {
        for (const [domain, fault] of faults) warnings.push(`${domain} ${fault}.`)
        return { problem: null, warnings }
      }
      for (const place of places) {
        const fault = faults.get(place.domain)
        if (fault !== undefined) issues.add(place.pointer, `${place.domain} ${fault}`)
      }
      return { problem: issues.found ? issues.toProblem() : null, warnings }
    },
  }
}

import { isIPv4 } from 'node:net'
import type { Asker, DnsAnswer } from '@lettergate/egress/dns'
import { countSpfLookups, SPF_LOOKUPS_MAX, spfRecords, spfTerms } from './spf.ts'

/** One thing that receivers look at. `warn`: some refuse mail because of it. `fail`: most do. */
export type Finding = {
  check: string
  /** The address or name concerned. */
  subject: string
  result: 'ok' | 'warn' | 'fail' | 'unknown'
  /** What was found, and what to do. */
  detail: string
}

export type GatewayFacts = {
  /** None: those of the name. */
  addresses: readonly string[]
  heloName: string | null
  spfInclude: string | null
  returnPathDomain: string | null
  /** Whole names of DKIM records. */
  dkimNames: readonly string[]
}

/** Writes what one check found of one subject. */
const aboutCheck =
  (check: string, subject: string) =>
  (result: Finding['result'], detail: string): Finding => ({ check, subject, result, detail })

const valuesOf = (answer: DnsAnswer) => (answer.kind === 'found' ? answer.values : [])
const SILENT = 'The name servers did not answer. Run this again.'

/** All 32 digits of an IPv6 address. */
function digitsOf6(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::')
  const words = (part: string | undefined) => (part ? part.split(':') : [])
  const [first, last] = [words(head), words(tail)]
  const middle =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...middle, ...last].map((word) => word.padStart(4, '0')).join('')
}

/** The name that holds the PTR record of an address. */
export function reverseName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  return `${[...digitsOf6(address)].reverse().join('.')}.ip6.arpa`
}

const DIAL_UP = /(^|[.-])(dyn|dynamic|dhcp|dsl|adsl|ppp|dialup|cable|pool|dip)[\d.-]/

/** Whether a name looks like one that a provider gives to every address: receivers refuse mail from such hosts. */
export function isGenericName(name: string, address: string): boolean {
  if (DIAL_UP.test(name)) return true
  if (!isIPv4(address)) return name.replace(/[^0-9a-f]/g, '').includes(digitsOf6(address).slice(-12))
  const octets = address.split('.')
  const numbers = name.split(/\D+/).map((number) => number.replace(/^0+(?=\d)/, ''))
  const hex = octets.map((octet) => Number(octet).toString(16).padStart(2, '0')).join('')
  return octets.filter((octet) => numbers.includes(octet)).length >= 3 || name.includes(hex)
}

async function inspectAddress(asker: Asker, address: string, heloName: string | null): Promise<Finding[]> {
  const reverse = await asker.ask(reverseName(address), 'PTR')
  const ptr = aboutCheck('PTR', address)
  if (reverse.kind === 'unanswered') return [ptr('unknown', SILENT)]
  const [name] = valuesOf(reverse)
  if (name === undefined) {
    const wanted = heloName ?? 'the name of this host'
    return [ptr('fail', `There is no reverse record. Ask the owner of the address to set it to ${wanted}.`)]
  }
  const findings = [
    isGenericName(name, address)
      ? ptr('fail', `${name} looks like the name of a home connection. Have it set to a name of your own.`)
      : ptr('ok', name),
  ]
  const back = await asker.ask(name, isIPv4(address) ? 'A' : 'AAAA')
  const leadsBack = aboutCheck('PTR leads back', address)
  if (back.kind === 'unanswered') findings.push(leadsBack('unknown', SILENT))
  else if (valuesOf(back).some((one) => isSameAddress(one, address))) findings.push(leadsBack('ok', name))
  else findings.push(leadsBack('fail', `${name} does not have this address. Add it to the name.`))
  if (heloName !== null && name !== heloName) {
    const detail = `The reverse record is ${name}, the greeting says ${heloName}. Make them the same.`
    findings.push(aboutCheck('PTR is HELO name', address)('warn', detail))
  }
  return findings
}

function isSameAddress(one: string, other: string): boolean {
  return isIPv4(one) || isIPv4(other) ? one === other : digitsOf6(one) === digitsOf6(other)
}

async function inspectHelo(asker: Asker, name: string): Promise<Finding[]> {
  const [alias, a, aaaa, texts] = await Promise.all([
    asker.ask(name, 'CNAME'),
    asker.ask(name, 'A'),
    asker.ask(name, 'AAAA'),
    asker.ask(name, 'TXT'),
  ])
  const helo = aboutCheck('HELO name', name)
  const findings: Finding[] = []
  if (alias.kind === 'found')
    findings.push(helo('warn', 'It is a CNAME. Give it an address record of its own.'))
  const addresses = [...valuesOf(a), ...valuesOf(aaaa)]
  if (addresses.length > 0) findings.push(helo('ok', addresses.join(', ')))
  else if (a.kind === 'unanswered') findings.push(helo('unknown', SILENT))
  else findings.push(helo('fail', 'It has no address. Add an A record.'))
  const [record] = spfRecords(valuesOf(texts))
  const spf = aboutCheck('HELO SPF', name)
  const noSpf = 'There is none, which bounces are judged by. Add the TXT record: v=spf1 a -all'
  findings.push(record === undefined ? spf('warn', noSpf) : spf('ok', record))
  return findings
}

async function inspectSpf(asker: Asker, check: string, name: string, mayLookUp: number): Promise<Finding> {
  const spf = aboutCheck(check, name)
  const answer = await asker.ask(name, 'TXT')
  if (answer.kind === 'unanswered') return spf('unknown', SILENT)
  const [record, ...more] = spfRecords(valuesOf(answer))
  if (record === undefined)
    return spf('fail', 'There is no SPF record. Add one with ip4: and ip6: of your addresses.')
  if (more.length > 0) return spf('fail', 'There is more than one SPF record. Join them.')
  if (spfTerms(record).some((term) => /^\+?all$/i.test(term)))
    return spf('fail', 'It ends with +all, which lets everybody send. Change it to -all.')
  const lookups = await countSpfLookups(asker, record)
  if (lookups === null) return spf('unknown', SILENT)
  if (lookups > SPF_LOOKUPS_MAX)
    return spf('fail', `It needs more than ${SPF_LOOKUPS_MAX} look-ups, so that receivers ignore it.`)
  if (lookups <= mayLookUp) return spf('ok', record)
  return spf(
    'warn',
    `It needs ${lookups} look-ups, which tenants have to share with their own. List the addresses with ip4: and ip6: instead.`,
  )
}

async function inspectReturnPathMx(asker: Asker, name: string): Promise<Finding> {
  const answer = await asker.ask(name, 'MX')
  const mx = aboutCheck('Return path MX', name)
  if (answer.kind === 'unanswered') return mx('unknown', SILENT)
  const hosts = valuesOf(answer)
  return hosts.length === 0
    ? mx('fail', 'There is no MX record, so that bounces are lost. Let it lead to this gateway.')
    : mx('ok', hosts.join(', '))
}

async function inspectDkim(asker: Asker, name: string): Promise<Finding> {
  const dkim = aboutCheck('DKIM', name)
  const answer = await asker.ask(name, 'TXT')
  if (answer.kind === 'unanswered') return dkim('unknown', SILENT)
  const [record, ...more] = valuesOf(answer)
  if (record === undefined || !/(^|;)\s*p=\s*[A-Za-z0-9+/]/.test(record))
    return dkim('fail', 'There is no key at this name.')
  if (more.length > 0) return dkim('fail', 'There is more than one record. Keep one.')
  return dkim('ok', `${record.slice(0, 40)}…`)
}

/** Looks at the names and addresses of this installation as receivers of its mail do. */
export async function inspectGateway(asker: Asker, facts: GatewayFacts): Promise<Finding[]> {
  const { heloName, spfInclude, returnPathDomain, dkimNames } = facts
  const ofName = heloName === null || facts.addresses.length > 0 ? [] : await addressesOf(asker, heloName)
  const addresses = [...facts.addresses, ...ofName]
  const found = await Promise.all([
    ...addresses.map((address) => inspectAddress(asker, address, heloName)),
    heloName === null ? [] : inspectHelo(asker, heloName),
    // It costs each tenant one look-up already.
    spfInclude === null ? [] : inspectSpf(asker, 'SPF include', spfInclude, 0),
    returnPathDomain === null ? [] : inspectReturnPathMx(asker, returnPathDomain),
    returnPathDomain === null ? [] : inspectSpf(asker, 'Return path SPF', returnPathDomain, SPF_LOOKUPS_MAX),
    ...dkimNames.map((name) => inspectDkim(asker, name)),
  ])
  return found.flat()
}

async function addressesOf(asker: Asker, name: string): Promise<string[]> {
  const answers = await Promise.all([asker.ask(name, 'A'), asker.ask(name, 'AAAA')])
  return answers.flatMap(valuesOf)
}

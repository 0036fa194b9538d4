import { createPublicKey } from 'node:crypto'
import { toReason } from '../lib/answer.ts'
import type { FailureCode } from '../lib/failures.ts'
import type { AccountProblem, AccountReport, Io } from '../provider.ts'
import { keyOf } from './dkim.ts'
import { openSession, type Ways } from './open-session.ts'
import { codeOf } from './outcome.ts'
import { ask, type Resolver } from './resolver.ts'
import type { Connection } from './send.ts'
import type { DirectSettings, DkimKey } from './settings.ts'

type Found = { problem?: AccountProblem; notes: string[] }

const rawKeyBytes = 32

/** Compares the DKIM keys and the own name with the DNS, and greets a mail server if one is named for that. */
export async function checkDirect(connection: Connection, ways: Ways, io: Io): Promise<AccountReport> {
  const { credentials, settings } = connection
  const dkim = credentials.dkim ?? []
  const found = await Promise.all([
    ...dkim.map((key) => checkKey(key, ways.resolver)),
    checkName(settings.helo_name, ways.resolver),
    checkPort(settings, ways, io),
  ])
  const unsigned = 'Mail of this connection is not signed with DKIM: many receivers will refuse it.'
  return {
    problem: found.find(({ problem }) => problem)?.problem ?? null,
    identities: dkim.map(({ domain }) => domain),
    notes: [...(dkim.length === 0 ? [unsigned] : []), ...found.flatMap(({ notes }) => notes)],
  }
}

async function checkKey(key: DkimKey, resolver: Resolver): Promise<Found> {
  const name = `${key.selector}._domainkey.${key.domain}`
  let value: string
  try {
    const publicKey = createPublicKey(keyOf(key.private_key))
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    const isRsa = publicKey.asymmetricKeyType === 'rsa'
    // https://www.rfc-editor.org/rfc/rfc8463#section-4: the key itself, without the frame around it
    const shown = isRsa ? spki : spki.subarray(-rawKeyBytes)
    value = `v=DKIM1; k=${isRsa ? 'rsa' : 'ed25519'}; p=${shown.toString('base64')}`
  } catch {
    const reason = `the private key for ${name} cannot be read`
    return refuse(reason, 'Enter an RSA or Ed25519 key in PEM form.')
  }
  const records = await ask(resolver.resolveTxt(name)).catch(() => undefined)
  if (records === undefined) return { notes: [`Whether ${name} holds the DKIM key could not be looked up.`] }
  const texts = (records ?? []).map((pieces) => pieces.join(''))
  if (texts.some((text) => publishedKey(text) === publishedKey(value))) return { notes: [] }
  const reason = texts.length > 0 ? `${name} holds another key` : `there is no record ${name}`
  return refuse(reason, `Publish a TXT record ${name} with this value: ${value}`)
}

function publishedKey(text: string): string | undefined {
  return /(?:^|;)\s*p=([^;]*)/.exec(text)?.[1]?.replace(/\s+/g, '')
}

function refuse(reason: string, advice: string): Found {
  return { problem: { code: 'provider-credentials-refused', reason, advice: [advice] }, notes: [] }
}

/** Whether the own name and its address lead to each other, which many receivers want. */
async function checkName(name: string, resolver: Resolver): Promise<Found> {
  try {
    const found = await Promise.all([ask(resolver.resolve4(name)), ask(resolver.resolve6(name))])
    const addresses = found.flatMap((list) => list ?? [])
    if (addresses.length === 0)
      return { notes: [`helo_name ${name} has no address in the DNS: many receivers refuse such a name.`] }
    const names = await Promise.all(addresses.map((address) => ask(resolver.reverse(address))))
    const isMutual = names.every((list) => (list ?? []).some((one) => one.replace(/\.$/, '') === name))
    const note = `The reverse record (PTR) of an address of ${name} does not lead back to it: ask the owner of the address to set it.`
    return { notes: isMutual ? [] : [note] }
  } catch {
    return { notes: [`The address of helo_name ${name} could not be looked up.`] }
  }
}

async function checkPort(settings: DirectSettings, ways: Ways, io: Io): Promise<Found> {
  const { check_domain: domain, instead_of_mx: instead } = settings
  if (!domain && !instead)
    return {
      notes: [
        'Outgoing port 25 was not tested: set check_domain to a domain of your own, and the test connects to its mail server.',
      ],
    }
  const opened = await openSession(domain ?? '', settings, ways, io)
  if ('session' in opened) {
    await opened.session.close()
    return { notes: [] }
  }
  const { failure } = opened
  const isHeard = failure.kind === 'refused'
  const judged = codeOf(failure)
  const isAboutUs = judged === 'sending-host-refused' || judged === 'provider-sender-refused'
  const code: FailureCode = isAboutUs ? judged : 'provider-unreachable'
  const reason = toReason('reply' in failure ? failure.reply : failure.reason)
  const advice = isHeard
    ? `The mail server of ${domain ?? instead?.host} refuses this installation: look up its IP address in block lists, and compare helo_name with its PTR record.`
    : 'Outgoing port 25 is blocked in most clouds: ask the operator of the network to open it, or use a provider by its API or by SMTP on port 587 or 2525.'
  return { problem: { code, reason, advice: [advice] }, notes: [] }
}

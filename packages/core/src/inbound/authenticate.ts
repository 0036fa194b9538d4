import {
  type Head,
  type HeadField,
  lenientRules,
  readHead,
  valuesOf,
} from '@lettergate/providers/raw-mime/head'
import { takeOut } from '@lettergate/providers/raw-mime/read-mime'
import { authenticate } from 'mailauth'
import { type Resolve, withDeadline } from './dns-questions.ts'
import { forgedResults } from './forged-results.ts'

/** Of the session in which a mail came. */
export type MailSession = { sender: string; remoteAddress: string; helo: string }

/** The results of RFC 8601 for a mail. */
export type Authentication = {
  spf: { result: string; domain: string | null }
  dkim: { result: string; domain: string | null; selector: string | null }[]
  dmarc: { result: string; domain: string | null; policy: string | null }
  arc: { result: string }
  /** An Authentication-Results field of ours, with its line end; empty where nothing was checked. */
  header: string
}

const ALL_MS = 5_000
const SIGNATURES_MAX = 10
const ARC_SETS_MAX = 10
/** mailauth reads folded lines in quadratic time: with this number they take 50 ms. */
const HEADER_LINES_MAX = 5_000

const unchecked = (result: string): Authentication => ({
  spf: { result, domain: null },
  dkim: [],
  dmarc: { result, domain: null, policy: null },
  arc: { result },
  header: '',
})

function countLines(raw: Buffer, { bodyStart }: Head): number {
  let lines = 0
  for (let at = raw.indexOf(0x0a); at >= 0 && at < bodyStart; at = raw.indexOf(0x0a, at + 1)) lines++
  return lines
}

/** Signatures and ARC sets beyond those that are verified, and forged results. */
function leftOut(head: Head, mta: string): HeadField[] {
  const signatures = head.fields.filter(({ name }) => name === 'dkim-signature').slice(SIGNATURES_MAX)
  const isLong = head.fields.filter(({ name }) => name === 'arc-seal').length > ARC_SETS_MAX
  const arc = isLong ? head.fields.filter(({ name }) => name.startsWith('arc-')) : []
  return [...signatures, ...arc, ...forgedResults(head, mta)].sort((a, b) => a.start - b.start)
}

/**
 * Checks who sent a mail: SPF, DKIM, DMARC, ARC. Bounded in questions, signatures, lines and time; a mail beyond a bound has the result
 * `permerror`, and is not refused for it.
 */
export async function authenticateMail(
  raw: Buffer,
  { sender, remoteAddress, helo }: MailSession,
  { mta, resolve }: { mta: string; resolve: Resolve },
): Promise<Authentication> {
  const head = readHead(raw, 0, raw.length, lenientRules)
  if ('problem' in head || countLines(raw, head) > HEADER_LINES_MAX) return unchecked('permerror')
  const { spf, dkim, dmarc, arc, headers } = await authenticate(takeOut(raw, leftOut(head, mta)), {
    sender,
    ip: remoteAddress,
    helo,
    mta,
    resolver: withDeadline(resolve, ALL_MS),
    disableBimi: true,
  })
  const policy = dmarc ? dmarc.policy : null
  const hasTwoAuthors = valuesOf(head, 'from').length !== 1
  return {
    spf: { result: spf ? spf.status.result : 'none', domain: spf ? spf.domain || null : null },
    dkim: dkim.results.map(({ status, signingDomain, selector }) => ({
      result: status.result,
      domain: signingDomain || null,
      selector: selector || null,
    })),
    dmarc: {
      result: dmarc ? dmarc.status.result : hasTwoAuthors ? 'permerror' : 'none',
      domain: dmarc ? dmarc.domain || null : null,
      policy: policy === '' ? null : (policy ?? null),
    },
    arc: { result: arc ? arc.status.result : 'none' },
    header: headers.slice(Math.max(headers.indexOf('Authentication-Results:'), 0)).replaceAll('\0', ''),
  }
}

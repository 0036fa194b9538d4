import type { Asker } from '@lettergate/egress/dns'

/** https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4 */
export const SPF_LOOKUPS_MAX = 10
/** One more than enough to know that there are too many. */
const COUNTED_MAX = SPF_LOOKUPS_MAX + 1

const IS_SPF = /^v=spf1( |$)/i
const LOOKS_UP = /^[+?~-]?(?:include:|exists:|a(?=$|[:/])|mx(?=$|[:/])|ptr(?=$|:))|^redirect=/i
const LEADS_ON = /^[+?~-]?include:(.+)$|^redirect=(.+)$/i

/** The SPF records among the texts of a name. */
export function spfRecords(texts: readonly string[]): string[] {
  return texts.filter((text) => IS_SPF.test(text))
}

export function spfTerms(record: string): string[] {
  return record.trim().split(/ +/).slice(1)
}

/** Terms of a record that look something up, counted through all that it includes; more than 10: 11. Null: a name server did not answer. */
export async function countSpfLookups(asker: Pick<Asker, 'ask'>, record: string): Promise<number | null> {
  const waiting = [record]
  let count = 0
  for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) {
    const terms = spfTerms(text)
    count += terms.filter((term) => LOOKS_UP.test(term)).length
    if (count > SPF_LOOKUPS_MAX) return COUNTED_MAX
    for (const term of terms) {
      const [, include, redirect] = LEADS_ON.exec(term) ?? []
      const name = include ?? redirect
      // A name with macros depends on the mail.
      if (name === undefined || name.includes('%')) continue
      const answer = await asker.ask(name.toLowerCase(), 'TXT')
      if (answer.kind === 'unanswered') return null
      waiting.push(...(answer.kind === 'found' ? spfRecords(answer.values) : []))
    }
  }
  return count
}

/** The record with our include, before the term that ends it. */
export function withInclude(record: string, include: string): string {
  const terms = spfTerms(record)
  const end = terms.findIndex((term) => /^[+?~-]?all$/i.test(term) || /^redirect=/i.test(term))
  const at = end < 0 ? terms.length : end
  return ['v=spf1', ...terms.slice(0, at), `include:${include}`, ...terms.slice(at)].join(' ')
}

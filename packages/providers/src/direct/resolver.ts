import { promises as dns, type MxRecord, type TlsaRecord } from 'node:dns'

/** The queries to the DNS; each throws as `node:dns` does. */
export type Resolver = {
  resolveMx(name: string): Promise<MxRecord[]>
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
  resolveTxt(name: string): Promise<string[][]>
  resolveTlsa(name: string): Promise<TlsaRecord[]>
  reverse(address: string): Promise<string[]>
}

/** Asks the DNS directly: look-ups of the system would hold one of four threads each. */
export function createResolver(): Resolver {
  return new dns.Resolver({ timeout: 2000, tries: 2 })
}

/** The records of a name; null when the DNS says that there is no such name, none when it has no such record. */
export async function ask<T>(question: Promise<T[]>): Promise<T[] | null> {
  try {
    return await question
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENODATA') return []
    if (code === 'ENOTFOUND') return null
    throw new UnansweredError(String(code ?? error))
  }
}

/** The DNS did not answer, or not so that it could be believed: nothing follows from that. */
export class UnansweredError extends Error {
  constructor(code: string) {
    super(`the name servers did not answer (${code})`)
  }
}

import { promises as dns } from 'node:dns'
import { notConnected } from './network-failure.ts'

/** All addresses of a host name. */
export type Resolve = (name: string) => Promise<string[]>

/**
 * Asks the DNS directly. The system's own look-up holds one of four threads while a slow name server makes it wait,
 * so a few hostile names could stop every other tenant's.
 */
export async function resolveByDns(name: string): Promise<string[]> {
  const resolver = new dns.Resolver({ timeout: 2000, tries: 2 })
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return addresses
  throw notConnected('host name does not resolve')
}

/** The system's look-up, which also knows /etc/hosts: for names that the operator listed. */
export async function resolveBySystem(name: string): Promise<string[]> {
  try {
    const answers = await dns.lookup(name, { all: true })
    return answers.map((answer) => answer.address)
  } catch (error) {
    throw notConnected('host name does not resolve', error)
  }
}

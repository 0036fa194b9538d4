import { z } from 'zod'
import { inquire } from '../lib/call-api.ts'
import { openWithToken, toTokenReport } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { AccountReport, Io } from '../provider.ts'
import type { Connection } from './account.ts'
import { toLogin, userUrl } from './login.ts'
import { rules, toProviderError } from './outcome.ts'

const identitiesMax = 100

// https://learn.microsoft.com/en-us/graph/throttling-limits and the sending limits of Exchange Online.
const limitsNote =
  'Graph takes 4 requests at a time for each mailbox; Exchange sends 30 messages a minute and to 10,000 recipients a day.'

const draftsAdvice =
  'Give the app Mail.ReadWrite and Mail.Send with consent of an administrator, and let no access policy keep it out of this mailbox.'

const folder = z.object({ id: z.string().min(1) })
const user = z.object({
  mail: z.string().nullish(),
  proxyAddresses: z.array(z.string()).catch([]),
})

/**
 * Looks for the folder of drafts, which needs the permission that sending needs, and at the user, for the addresses that are
 * allowed in From; the latter needs User.Read, which sending does not.
 */
export async function checkMicrosoft365(
  connection: Connection,
  tokens: Tokens,
  plainIo: Io,
): Promise<AccountReport> {
  const opened = await openWithToken(toLogin(connection, tokens), plainIo)
  if ('failure' in opened) return toTokenReport(opened.failure)
  const url = userUrl(connection.settings)
  const account = { name: 'Microsoft Graph', rules, toProviderError, url, headers: {} }
  const drafts = await inquire(opened.io, account, '/mailFolders/drafts?$select=id', folder, () => ({
    problem: null,
    notes: [],
  }))
  if (drafts.problem?.code === 'provider-permission-missing')
    return { ...drafts, problem: { ...drafts.problem, advice: [draftsAdvice] } }
  if (drafts.problem) return drafts
  const addresses = await inquire(opened.io, account, '?$select=mail,proxyAddresses', user, toUserReport)
  if (!addresses.problem) return addresses
  const note =
    'The app is not allowed to read the user (User.Read, or User.Read.All for an app without a user), so the addresses allowed in From are not known.'
  return { problem: null, notes: [note, limitsNote] }
}

function toUserReport({ mail, proxyAddresses }: z.output<typeof user>): AccountReport {
  const aliases = proxyAddresses
    .filter((address) => /^smtp:/i.test(address))
    .map((address) => address.slice('smtp:'.length))
  const identities = [...new Set([...(mail ? [mail] : []), ...aliases])]
  return { problem: null, identities: identities.slice(0, identitiesMax), notes: [limitsNote] }
}

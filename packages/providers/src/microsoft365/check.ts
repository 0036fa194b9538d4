import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import { inquire, problemReport } from '../lib/http-check.ts'
import { openWithToken, toTokenReport } from '../oauth2/io.ts'
import type { Tokens } from '../oauth2/tokens.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { type Connection, toLogin, userUrl } from './login.ts'
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
  const ask = (path: string, toReport: (response: HttpResponse) => AccountReport) =>
    inquire(opened.io, { method: 'GET', url: url + path, headers: {} }, { rules, toProviderError, toReport })
  const drafts = await ask('/mailFolders/drafts?$select=id', toFolderReport)
  if (drafts.problem?.code === 'provider-permission-missing')
    return { ...drafts, problem: { ...drafts.problem, advice: [draftsAdvice] } }
  if (drafts.problem) return drafts
  const told = await ask('?$select=mail,proxyAddresses', toUserReport)
  if (!told.problem) return told
  const note =
    'The app is not allowed to read the user (User.Read, or User.Read.All for an app without a user), so the addresses allowed in From are not known.'
  return { problem: null, notes: [note, limitsNote] }
}

function toFolderReport(response: HttpResponse): AccountReport {
  return folder.safeParse(parseAnswer(response.body)).success
    ? { problem: null, notes: [] }
    : problemReport('provider-settings-wrong', 'the answer is not one of Microsoft Graph')
}

function toUserReport(response: HttpResponse): AccountReport {
  const { data } = user.safeParse(parseAnswer(response.body))
  if (!data) return problemReport('provider-settings-wrong', 'the answer is not one of Microsoft Graph')
  const aliases = data.proxyAddresses
    .filter((address) => /^smtp:/i.test(address))
    .map((address) => address.slice('smtp:'.length))
  const identities = [...new Set([...(data.mail ? [data.mail] : []), ...aliases])]
  return { problem: null, identities: identities.slice(0, identitiesMax), notes: [limitsNote] }
}

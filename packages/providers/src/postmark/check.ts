import { z } from 'zod'
import { parseAnswer } from '../lib/answer.ts'
import { inquire, problemReport } from '../lib/http-check.ts'
import type { AccountReport, HttpResponse, Io } from '../provider.ts'
import { rules, toProviderError } from './outcome.ts'
import type { PostmarkCredentials } from './types.ts'

const sandboxNote =
  'This is a sandbox server of Postmark: it takes messages and delivers none. Use the token of a live server to send.'

// https://postmarkapp.com/developer/api/server-api#get-the-server; its tokens are in the answer too, and are not read.
const server = z.object({ ID: z.number(), Name: z.string(), DeliveryType: z.string().optional() })

/** Asks Postmark which server the token belongs to. Sender signatures are known to account tokens only. */
export function checkPostmark(
  credentials: PostmarkCredentials,
  endpoint: string,
  io: Io,
): Promise<AccountReport> {
  const headers = {
    'X-Postmark-Server-Token': credentials.server_token.reveal(),
    Accept: 'application/json',
  }
  return inquire(
    io,
    { method: 'GET', url: `${endpoint}/server`, headers },
    { rules, toProviderError, toReport },
  )
}

function toReport(response: HttpResponse): AccountReport {
  const { data } = server.safeParse(parseAnswer(response.body))
  if (!data) return problemReport('provider-settings-wrong', 'the answer is not one of Postmark')
  const sandbox = data.DeliveryType === 'Sandbox'
  return { problem: null, sandbox, notes: sandbox ? [sandboxNote] : [] }
}

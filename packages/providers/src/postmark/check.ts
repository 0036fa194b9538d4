import { z } from 'zod'
import { inquire } from '../lib/call-api.ts'
import type { AccountReport, Io } from '../provider.ts'
import { accountOf, type Connection } from './account.ts'

const sandboxNote =
  'This is a sandbox server of Postmark: it takes messages and delivers none. Use the token of a live server to send.'

// https://postmarkapp.com/developer/api/server-api#get-the-server; its tokens are in the answer too, and are not read.
const server = z.object({ ID: z.number(), Name: z.string(), DeliveryType: z.string().optional() })

/** Asks Postmark which server the token belongs to. Sender signatures are known to account tokens only. */
export function checkPostmark(connection: Connection, io: Io): Promise<AccountReport> {
  return inquire(io, accountOf(connection), '/server', server, ({ DeliveryType }) => {
    const sandbox = DeliveryType === 'Sandbox'
    return { problem: null, sandbox, notes: sandbox ? [sandboxNote] : [] }
  })
}

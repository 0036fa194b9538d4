import { z } from 'zod'
import { idPath } from '../../http/schemas.ts'

export const InboundRoutePath = idPath('route', 'inr')
export const MailboxPath = idPath('mailbox', 'mbx')
export const InboundPath = idPath('mail', 'inb')

export const AttachmentPath = InboundPath.extend({
  number: z.coerce.number().int().min(0).max(10_000).meta({ description: 'Its number in the mail, from 0.' }),
})

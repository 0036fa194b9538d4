import { z } from 'zod'

export const InboundRoutePath = z.object({
  id: z.string().meta({ description: 'Id of the route.', examples: ['inr_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

export const MailboxPath = z.object({
  id: z.string().meta({ description: 'Id of the mailbox.', examples: ['mbx_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

export const InboundPath = z.object({
  id: z.string().meta({ description: 'Id of the mail.', examples: ['inb_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
})

export const AttachmentPath = InboundPath.extend({
  number: z.coerce.number().int().min(0).max(10_000).meta({ description: 'Its number in the mail, from 0.' }),
})

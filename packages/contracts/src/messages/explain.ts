import { z } from 'zod'

/** What can keep a message where it is, or has brought it there. The most telling reason comes first. */
export const explainCodes = {
  'being-sent': 'A provider has it in hand at this moment.',
  scheduled: 'It waits for the time that you asked for.',
  backlog:
    'It is ready, and waits for a worker; `ahead` messages of yours are served before it: bulk mail waits for transactional mail.',
  'limiter-wait':
    'Its connection takes no more at present: a rate, a day’s limit, or as many calls at once as it bears.',
  'connection-paused': 'The provider asked that its connection be left alone for a while.',
  'circuit-open': 'Its connection failed again and again; now and then one message tries whether it works.',
  'waits-for-retry': 'The last try did not get through, and the next one comes at `until`.',
  'last-answer': 'What the provider answered last.',
  'provider-required': 'No connection may carry it; make one, enable one, or change the route.',
  'set-aside':
    'Three workers were lost over it; it is tried again, alone, when you retry it, and fails at `until` if you do not.',
  unknown:
    'It may have been sent: no answer came. An event of the provider settles it, or you decide by /retry.',
  ended: 'Nothing is left to do.',
} as const satisfies Record<string, string>

export type ExplainCode = keyof typeof explainCodes

export function isExplainCode(text: string): text is ExplainCode {
  return Object.hasOwn(explainCodes, text)
}

const codes = Object.keys(explainCodes).filter(isExplainCode)
const lines = codes.map((code) => `- \`${code}\`: ${explainCodes[code]}`)

export const ExplainReason = z
  .object({
    code: z.enum(codes).meta({ description: `Which kind of reason.\n\n${lines.join('\n')}` }),
    detail: z.string().meta({ description: 'The reason in a sentence.' }),
    recipients: z.array(z.string()).meta({ description: 'The addresses that it is about.' }),
    connection: z.string().nullable().meta({ description: 'The connection that it is about, if one.' }),
    until: z.iso
      .datetime({ offset: true })
      .nullable()
      .meta({ description: 'When it is looked at again, if that is known.' }),
    ahead: z
      .int()
      .nullable()
      .meta({ description: 'Messages of yours that are served before it; 10000: that many or more.' }),
    help: z
      .string()
      .nullable()
      .meta({ description: 'Page that says what to do.', examples: ['/problems/provider-rate-limited'] }),
  })
  .meta({ id: 'ExplainReason', description: 'One reason for where a message is.' })
export type ExplainReason = z.output<typeof ExplainReason>

export const Explanation = z
  .object({
    id: z.string().meta({ description: 'Id of the message.', examples: ['msg_01m7wa5yjwe1qr5m7w1gzh99cc'] }),
    status: z.string().meta({ description: 'Its status, derived from its recipients.' }),
    reasons: z.array(ExplainReason).meta({ description: 'Why it is where it is, the most telling first.' }),
  })
  .meta({ id: 'Explanation', description: 'Why a message is where it is.' })
export type Explanation = z.output<typeof Explanation>

import { example as gmail } from '@lettergate/providers/gmail/test/example'
import { type Example, settingsAt } from '@lettergate/providers/test/example'
import { loadExamples } from '@lettergate/providers/test/examples'
import { smtpConnection } from '../gateway.ts'
import { addSmtp } from '../stack.ts'
import { call, connect, largeMail, mail, type OddCase, type OddPlace } from './odd-case.ts'

const examples = await loadExamples()

/** Just below what is read of an answer, of what a search for addresses, codes or spaces finds hardest. */
const LONG = ['a', ' ', '@', '<'].map((letter) => letter.repeat(200_000)).join('x')
const refusal = (status: number) => ({
  status,
  body: JSON.stringify({
    message: LONG,
    Message: LONG,
    ErrorCode: 406,
    errors: [{ message: LONG }],
    error: { message: LONG },
  }),
})
const token = { status: 200, body: '{"access_token":"fake","expires_in":3600,"token_type":"Bearer"}' }

/** An account at a provider that speaks HTTP, which leads to the odd server. */
async function connectTo(place: OddPlace, provider: string, example: Example): Promise<void> {
  await connect(place, provider, example.credentials, settingsAt(example, place.server.url))
}

const send = (place: OddPlace, fields: object = {}) => call(place, 'POST', '/v1/send', mail(fields))
const sendLarge = (place: OddPlace) => call(place, 'POST', '/v1/send', largeMail())

function overHttp([provider, example]: [string, Example]): OddCase {
  return {
    way: provider,
    shape: 'files of 20 MB, and a refusal of 800 kB',
    prepare: (place) => connectTo(place, provider, example),
    async deed(place) {
      place.server.answers([
        ['/token', token],
        ['', refusal(422)],
      ])
      await sendLarge(place)
      await send(place)
    },
  }
}

const oauth: OddCase = {
  way: 'OAuth',
  shape: 'an answer for a token of 800 kB',
  prepare: (place) => connectTo(place, 'gmail', gmail),
  async deed(place) {
    place.server.answers([['/token', { status: 400, body: JSON.stringify({ error: LONG }) }]])
    await send(place)
  },
}

const smtp: OddCase = {
  way: 'smtp',
  shape: 'files of 20 MB, and replies of 60 kB for each of 10 recipients',
  async prepare(place) {
    const server = await addSmtp(place.stack)
    const reply = `450 4.2.1 ${'a'.repeat(30_000)}${' '.repeat(30_000)}`
    await server.script({ rules: [{ match: 'odd', fault: { stage: 'rcpt', kind: 'reply', reply } }] })
    const { provider, credentials, settings } = smtpConnection(server.port)
    await connect(place, provider, credentials, settings)
  },
  async deed(place) {
    await sendLarge(place)
    await send(place, { to: Array.from({ length: 10 }, (_, at) => `odd${at}@example.net`) })
  },
}

const capture: OddCase = {
  way: 'capture',
  shape: 'files of 20 MB',
  prepare: (place) => connect(place, 'capture', {}, {}).then(() => undefined),
  deed: (place) => sendLarge(place),
}

export const providerCases: OddCase[] = [...examples.map(overHttp), oauth, smtp, capture]

/** Ways that cannot be gone on one machine, each with the reason. */
export const PROVIDERS_APART: Record<string, string> = {
  direct:
    'finds its servers and policy files by the public DNS; its replies are judged and its mail is written as those of smtp are',
}

import type { Provider, ProviderConnection } from '@lettergate/providers/provider'
import { createSes } from '@lettergate/providers/ses/index'
import { type Exchange, playHttp, respond } from '@lettergate/providers/test/http-peer'

type Answer = ReturnType<typeof respond>

/** SES's answer for an account that may send. */
export function quota(rate: number, perDay: number, used = 0): Answer {
  return respond(
    200,
    JSON.stringify({
      ProductionAccessEnabled: true,
      SendingEnabled: true,
      EnforcementStatus: 'HEALTHY',
      SendQuota: { MaxSendRate: rate, Max24HourSend: perDay, SentLast24Hours: used },
    }),
  )
}

/** A fake of SES behind a real socket: accepts every message; its account answer can be set. */
export async function playAccount(account: Answer) {
  const state = { account, underWay: 0, underWayMost: 0 }
  const isMessage = ({ path }: Exchange) => path === '/v2/email/outbound-emails'
  const isQuestion = ({ path }: Exchange) => path === '/v2/email/account'
  const peer = await playHttp((response, exchange) => {
    if (isMessage(exchange))
      return respond(200, '{"MessageId":"0100018b5c3c0a4f-000000"}')(response, exchange)
    if (!isQuestion(exchange)) return respond(200, '{"EmailIdentities":[]}')(response, exchange)
    state.underWay++
    state.underWayMost = Math.max(state.underWayMost, state.underWay)
    response.once('close', () => state.underWay--)
    state.account(response, exchange)
  })
  const ses = createSes()
  const connection = {
    id: 'c',
    credentials: ses.credentials.parse({ access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI' }),
    settings: ses.settings.parse({ region: 'eu-west-1', base_url: `http://127.0.0.1:${peer.port}` }),
  }
  const through: { provider: Provider; connection: ProviderConnection<unknown, unknown> } = {
    provider: ses,
    connection,
  }
  return {
    state,
    through,
    port: peer.port,
    close: peer.close,
    /** How often it was asked for the limits of the account. */
    questions: () => peer.got.filter(isQuestion).length,
    /** How many messages it took. */
    taken: () => peer.got.filter(isMessage).length,
  }
}

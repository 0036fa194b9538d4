import { toPublicId } from '@lettergate/contracts/lib/ids'
import { signWebhook } from '@lettergate/contracts/webhooks/sign-webhook'
import type { Pool } from '@lettergate/db/pool'
import type { Egress } from '@lettergate/egress/egress'
import {
  type CallResult,
  type ClaimedDelivery,
  callEndpoint,
  type EndpointAnswer,
  type EndpointSecrets,
  type InboundCalls,
  isOk,
  validSecrets,
  webhookId,
} from '../webhooks/index.ts'
import { emptyMail, presentContent, StoredContent, unchecked } from './content.ts'
import { mailgunBody } from './mailgun-body.ts'
import { appendFailed } from './sql/append-failed.ts'
import { type InboundRecord, readInboundRaw, readInboundRow } from './sql/read-inbound.ts'
import { DoneActions } from './stored-action.ts'

/** Of all files of a mail together; above it a call has only their addresses. */
const INLINE_BYTES_MAX = 5 * 1024 * 1024

const emptyContent: StoredContent = {
  ...emptyMail(),
  authentication: unchecked('none'),
  auto: null,
}

type Mail = { row: InboundRecord; content: StoredContent; raw: Buffer | null }

function standardBody({ row, content, raw }: Mail): string {
  const { id, sender, recipient, receivedAt, bytes, parseError, aboutId, routeId } = row
  return JSON.stringify({
    type: 'inbound.received',
    timestamp: receivedAt.toISOString(),
    data: {
      id: toPublicId('inb', id),
      route: routeId && toPublicId('inr', routeId),
      sender,
      recipient,
      bytes,
      parse_error: parseError,
      message_id: aboutId && toPublicId('msg', aboutId),
      raw_path: `/v1/inbound/messages/${toPublicId('inb', id)}/raw`,
      ...presentContent(id, content, raw),
    },
  })
}

/** Calls that bring received mail to URLs; the sender of webhooks makes, retries and records them. */
export function createInboundCalls(deps: {
  pool: Pool
  egress: Pick<Egress, 'forTenant'>
  onCall: (result: CallResult, ms: number) => void
}): InboundCalls {
  async function load({ tenantId, messageId }: ClaimedDelivery): Promise<Mail | null> {
    const row = messageId === null ? null : await readInboundRow(deps.pool, tenantId, messageId)
    if (!row) return null
    const content = row.content === null ? emptyContent : StoredContent.parse(row.content)
    const bytes = content.attachments.reduce((sum, one) => sum + one.bytes, 0)
    const raw =
      content.attachments.length === 0 || bytes > INLINE_BYTES_MAX
        ? null
        : await readInboundRaw(deps.pool, tenantId, row.rawId)
    return { row, content, raw }
  }

  function write(mail: Mail, { target, seq }: ClaimedDelivery, secrets: EndpointSecrets, at: Date) {
    const valid = validSecrets(secrets, at.getTime())
    const action = DoneActions.parse(mail.row.actions).find((one) => one.seq === seq)
    const { recipient, sender } = mail.row
    const form =
      action?.format === 'mailgun'
        ? mailgunBody({ ...mail, recipient, sender }, valid[0] ?? '', at)
        : { body: standardBody(mail), contentType: 'application/json' }
    const id = webhookId(target, [{ messageId: mail.row.id, seq }])
    return { ...form, headers: { ...secrets.headers, ...signWebhook({ id, at, body: form.body }, valid) } }
  }

  return {
    async call(claimed, secrets, signal): Promise<EndpointAnswer | null> {
      const mail = await load(claimed)
      if (!mail) return null
      const answer = await callEndpoint(
        deps.egress.forTenant(claimed.tenantId),
        { url: claimed.url, ...write(mail, claimed, secrets, new Date()) },
        signal,
      )
      deps.onCall(answer.status === null ? 'broken' : isOk(answer) ? 'ok' : 'failed', answer.ms)
      return answer
    },
    async givenUp({ tenantId, messageId, mode, url }) {
      if (messageId === null || mode === 'test') return
      await appendFailed(deps.pool, tenantId, {
        reason: `The calls to ${url} did not succeed.`,
        inbound: toPublicId('inb', messageId),
      })
    },
  }
}

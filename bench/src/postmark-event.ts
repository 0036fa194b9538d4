import { toPublicId } from '@lettergate/contracts/lib/ids'

export type Sent = { id: string; address: string }

/** A request of Postmark with one event. */
export function bodyOf({ id, address }: Sent, record: string, day = 1): string {
  const at = `2026-11-0${day}T12:00:00Z`
  return JSON.stringify({
    RecordType: record,
    MessageStream: 'outbound',
    ServerID: 23,
    MessageID: id,
    Recipient: address,
    Tag: 'receipt',
    DeliveredAt: at,
    ReceivedAt: at,
    Details: '250 2.0.0 OK: queued as 4Bv3Xy2z1Tz9rxB',
    OriginalLink: 'https://acme.example/receipts/2026/11',
    UserAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)',
    Metadata: { lg_id: toPublicId('msg', id) },
  })
}

import { joinId } from '../../lib/index.ts'

/** How long after a captured message was sent its later events come in. */
const AFTER = "interval '1 second'"

/**
 * Lets the capture provider report what became of messages, as real providers do: CTEs of the statement that records outcomes, so that no
 * crash comes between the two. The body says who was sent the message; the provider's own `parse` makes events of it, whose ids follow from
 * message and recipient, so that a second body about the same ones changes nothing. A message that no connection carried has the nil UUID as
 * connection.
 */
export const SIMULATED = `, simulated as (
  insert into provider_event (tenant_id, connection_id, provider, headers, body)
  select c.tenant_id, coalesce(r.connection_id, '00000000-0000-0000-0000-000000000000'), 'capture', '{}',
         convert_to(json_build_object('provider_message_id', r.provider_message_id, 'sent_at', now(),
                                      'recipients', json_agg(p.address order by p.position))::text, 'UTF8')
  from change c
  join (select * from owned union all select * from late) r using (message_id)
  join recipient p on p.tenant_id = c.tenant_id and ${joinId('p.message_id', 'c.message_id')} and p.position = c.position
    and p.message_id between $3 and $4
  where r.provider = 'capture' and c.event = 'recipient.sent'
  group by c.tenant_id, c.message_id, r.connection_id, r.provider_message_id
  returning id, received_at, tenant_id
), simulated_due as (
  insert into provider_event_due (id, received_at, tenant_id, due_at)
  select id, received_at, tenant_id, now() + ${AFTER} from simulated
)`

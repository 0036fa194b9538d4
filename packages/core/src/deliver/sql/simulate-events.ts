import { joinId } from '../../lib/index.ts'

/** How long after a captured message was sent its later events come in. */
const AFTER = "interval '1 second'"

/**
 * Lets the capture provider report what became of messages, as real providers do: the CTEs of the statement that records them as sent, so
 * that no crash comes between the two. `rows` is a select of `tenant_id, message_id, position, connection_id,
 * provider_message_id`, each recipient that was sent. The body says who they are; the provider's own `parse` makes events of it, whose ids follow from message and recipient, so that a
 * second body about the same ones changes nothing. A message that no connection carried has the nil UUID as connection.
 */
function simulateEvents(rows: string): string {
  return `simulated as (
    insert into provider_event (tenant_id, connection_id, provider, headers, body)
    select s.tenant_id, coalesce(s.connection_id, '00000000-0000-0000-0000-000000000000'), 'capture', '{}',
           convert_to(json_build_object('provider_message_id', s.provider_message_id, 'sent_at', now(),
                                        'recipients', json_agg(p.address order by p.position))::text, 'UTF8')
    from (${rows}) s
    join recipient p on p.tenant_id = s.tenant_id and ${joinId('p.message_id', 's.message_id')} and p.position = s.position
      and p.message_id between $3 and $4
    group by s.tenant_id, s.message_id, s.connection_id, s.provider_message_id
    returning id, received_at, tenant_id
  ), simulated_due as (
    insert into provider_event_due (id, received_at, tenant_id, due_at)
    select id, received_at, tenant_id, now() + ${AFTER} from simulated
  )`
}

/** Of the statement that records outcomes. */
export const SIMULATED = `, ${simulateEvents(`
  select c.tenant_id, c.message_id, c.position, r.connection_id, r.provider_message_id
  from change c join (select * from owned union all select * from late) r using (message_id)
  where r.provider = 'capture' and c.event = 'recipient.sent'`)}`

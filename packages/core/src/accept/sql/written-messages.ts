/** Writes messages and their content: the CTEs of a statement that has `incoming`; the last one is left open. */
export const writtenMessages = `written_message as (
  insert into message (tenant_id, id, usage_day, mode, stream, from_address, from_name, subject, tags, metadata,
                       send_at, connection_id, attachment_count, content_bytes, callback_url, recipient_count, pool_day, pool_n)
  select tenant_id, id, day, mode, stream, from_address, from_name, subject, tags, metadata,
         send_at, connection_id, attachment_count, content_bytes, callback_url, n,
         case when way = 'pool' then day end, case when way = 'pool' then n end
  from incoming
), written_content as (
  insert into message_content (tenant_id, message_id, document)
  select tenant_id, id, document from incoming where document is not null`

-- What accept is given, as before, with the sums of each request: recipients, those of them that may go through the pool, and bytes. The client
-- knows them, so that the statement does not take its messages apart to add them up: docs/decisions/0034-accept-decides-the-usual-case-first.md.
create type accept_unit_3 as (
  unit int4, tenant_id uuid, mode text, request_id uuid, key_hash bytea, body_hash bytea, answer json, connections_version int4,
  n int4, pool_n int4, bytes int8);

/**
 * Begins an endpoint with what comes from now on: `$1` id, `$2` tenant, `$3` mode, `$4` endpoint or null. The cursor is a window of the feed.
 * Repeated, it leaves the cursor where it is.
 */
export const INSERT_STATE = `
  insert into endpoint_state (id, tenant_id, mode, endpoint_id, cursor)
  values ($1::uuid, $2::uuid, $3, $4::uuid,
    json_build_object('from', json_build_object('snapshot', pg_current_snapshot()::text, 'base', feed_base(),
                                                'atMs', extract(epoch from now())::float8 * 1000),
                      'to', null, 'reached', json_build_array(0, 0))::text)
  on conflict (id) do nothing`

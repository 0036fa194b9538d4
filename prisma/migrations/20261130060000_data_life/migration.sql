-- Retention: days of messages leave when their tenants' time is over. docs/decisions/0030-data-life.md.

-- An installation that has mail already begins a week later, so that nobody loses it by surprise.
create table retention (
  is_only boolean primary key default true check (is_only),
  starts_at timestamptz not null
);
insert into retention (starts_at) select now() + case when exists (select from message) then interval '7 days' else interval '0' end;

-- Where a day of a table stands. `copy_xmin`: rows changed by this transaction or later ones are to be copied again.
create table retention_day (
  parent text not null,
  day date not null,
  looked_on date,
  copy_xmin bigint,
  primary key (parent, day)
);
alter table retention enable row level security;
alter table retention_day enable row level security;
create policy all_rows on retention for select to lettergate_batch using (true);
create policy all_rows on retention_day for select to lettergate_batch using (true);
grant select on retention, retention_day to lettergate_batch;

-- In the order in which they go: a message without its recipients must not be seen.
create function retention_tables() returns table (parent text, key text, is_content boolean, place integer) language sql immutable as $$
  values ('message_content', 'message_id', true, 1), ('message_raw_chunk', 'message_id', true, 2), ('attachment', 'message_id', true, 3),
         ('attachment_chunk', 'message_id', true, 4), ('message', 'id', false, 5), ('recipient', 'message_id', false, 6),
         ('attempt', 'message_id', false, 7), ('event', 'message_id', false, 8)
$$;

-- Days that each tenant's content and records are kept: its own, or those of its plan.
create function tenant_retention() returns table (tenant_id uuid, content_days integer, record_days integer) language sql stable as $$
  select id, least(content, record), record
  from (
    select t.id, coalesce((t.own_limits ->> 'content_days')::integer, p.content_days) as content,
           coalesce((t.own_limits ->> 'record_days')::integer, p.record_days) as record
    from tenant t join plan p on p.name = t.plan
    -- The shared pool's owner has no mail.
    where t.id <> '00000000-0000-0000-0000-000000000001'
  ) d
$$;

-- The days that are attached, of the tables above, and the first day that somebody may want to keep.
create function retention_days() returns table (parent text, key text, is_content boolean, place integer, day date, leaf text)
language sql stable as $$
  select t.parent, t.key, t.is_content, t.place, to_date(right(c.relname, 8), 'YYYYMMDD'), c.relname::text
  from retention_tables() t
  join pg_inherits i on i.inhparent = to_regclass(t.parent)
  join pg_class c on c.oid = i.inhrelid
  where c.relname ~ ('^' || t.parent || '_[0-9]{8}$') and not i.inhdetachpending
$$;

-- What becomes of one day. `kept`: tenants with rows in it that keep them. `named`: messages that are still to be sent. `kept_rows` is counted
-- as far as `most` and one more.
create function judge_day(leaf text, key text, is_content boolean, of_day date, today date, most integer,
  out kept uuid[], out expired uuid[], out named uuid[], out kept_rows integer, out all_rows bigint) language plpgsql stable as $$
begin
  execute format($q$
    with recursive there as (
      (select tenant_id from %1$I order by tenant_id limit 1)
      union all
      select (select l.tenant_id from %1$I l where l.tenant_id > t.tenant_id order by l.tenant_id limit 1) from there t
      where t.tenant_id is not null
    ), judged as (
      select t.tenant_id, coalesce(case when $1 then r.content_days else r.record_days end, 0) >= $2 - $3 as keeps
      from there t left join tenant_retention() r using (tenant_id) where t.tenant_id is not null
    )
    select coalesce(array_agg(tenant_id) filter (where keeps), '{}'), coalesce(array_agg(tenant_id) filter (where not keeps), '{}') from judged
  $q$, leaf) into kept, expired using is_content, today, of_day;
  select coalesce(array_agg(message_id), '{}') into named
  from outbox where message_id >= uuid_at_day(of_day) and message_id < uuid_at_day(of_day + 1) and not tenant_id = any (kept);
  if cardinality(expired) = 0 then return; end if;
  execute format('select count(*) from (select from %1$I where tenant_id = any ($1) or tenant_id = any ($2) and %2$I = any ($3) limit $4) n', leaf, key)
    into kept_rows using kept, expired, named, most + 1;
  select reltuples::bigint into all_rows from pg_class where oid = to_regclass(leaf);
  if coalesce(all_rows, 0) <= 0 then execute format('select count(*) from %I', leaf) into all_rows; end if;
end
$$;

-- Rows that are copied at most, and whether this many are: a fifth of the day, and 1 GB.
create function most_copied() returns integer language sql immutable as $$ select 20000 $$;
create function is_copied(leaf text, kept_rows integer, all_rows bigint) returns boolean language sql stable as $$
  select kept_rows <= most_copied() and kept_rows::bigint * 5 <= all_rows
         and pg_total_relation_size(to_regclass(quote_ident(leaf))) / greatest(all_rows, 1) * kept_rows < 1000000000
$$;

-- Columns that can be written, and those of the primary key.
create function written_columns(of_table text) returns text language sql stable as $$
  select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
  where attrelid = to_regclass(quote_ident(of_table)) and attnum > 0 and not attisdropped and attgenerated = ''
$$;
create function key_columns(of_table text) returns text[] language sql stable as $$
  select array_agg(a.attname::text order by k.place)
  from pg_index i cross join lateral unnest(i.indkey) with ordinality as k(number, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
  where i.indrelid = to_regclass(quote_ident(of_table)) and i.indisprimary
$$;

-- Copies the rows of a day that stay into a table of their own, which has everything that a partition has.
create function copy_kept(parent text, leaf text, key text, of_day date, kept uuid[], named uuid[]) returns integer language plpgsql as $$
declare
  copy text := leaf || '_kept';
  options text[];
  copied integer;
begin
  execute format('drop table if exists %I', copy);
  execute format('create table %I (like %I including all)', copy, leaf);
  execute format('alter table %I enable row level security', copy);
  select reloptions into options from pg_class where oid = to_regclass(leaf);
  if options is not null then execute format('alter table %I set (%s)', copy, array_to_string(options, ', ')); end if;
  -- Lets it be attached without reading it.
  execute format('alter table %I add constraint day check (%I >= %L and %I < %L)', copy, key, uuid_at_day(of_day), key, uuid_at_day(of_day + 1));
  insert into retention_day (parent, day, copy_xmin) values (parent, of_day, pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
  on conflict on constraint retention_day_pkey do update set copy_xmin = excluded.copy_xmin;
  execute format('insert into %1$I (%2$s) select %2$s from %3$I where tenant_id = any ($1) or %4$I = any ($2)', copy, written_columns(leaf), leaf, key)
    using kept, named;
  get diagnostics copied = row_count;
  return copied;
end
$$;

-- Puts the copy in the place of the day. Rows that were changed since are copied again; false: the copy does not fit any more.
create function swap_kept(parent text, leaf text, key text, is_content boolean, of_day date, today date, most integer) returns boolean
language plpgsql as $$
declare
  copy text := leaf || '_kept';
  keys text := (select string_agg(quote_ident(k), ', ') from unnest(key_columns(leaf)) k);
  since xid;
  j record;
  copied bigint;
begin
  select (d.copy_xmin % 4294967296)::text::xid into since from retention_day d where d.parent = swap_kept.parent and d.day = of_day;
  -- From here on nobody writes into the day; who wrote has committed.
  execute format('alter table %I detach partition %I', parent, leaf);
  j := judge_day(leaf, key, is_content, of_day, today, most);
  if since is null or j.kept_rows is null or j.kept_rows > most then return false; end if;
  execute format($q$
    with changed as (
      select %2$s from %1$I where (tenant_id = any ($1) or %4$I = any ($2)) and age(xmin) <= age($3)
    ), old as (
      delete from %3$I c using changed n where (%5$s) = (%6$s)
    )
    select count(*) from changed
  $q$, leaf, written_columns(leaf), copy, key,
    (select string_agg('c.' || quote_ident(k), ', ') from unnest(key_columns(leaf)) k),
    (select string_agg('n.' || quote_ident(k), ', ') from unnest(key_columns(leaf)) k)) into copied using j.kept, j.named, since;
  if copied > 0 then
    execute format('insert into %1$I (%2$s) select %2$s from %3$I where (tenant_id = any ($1) or %4$I = any ($2)) and age(xmin) <= age($3)',
      copy, written_columns(leaf), leaf, key) using j.kept, j.named, since;
  end if;
  -- A row that came to stay or was deleted meanwhile: copied anew.
  execute format('select count(*) from %I', copy) into copied;
  if copied <> j.kept_rows then return false; end if;
  execute format('alter table %I rename to %I', leaf, leaf || '_gone');
  execute format('alter table %I rename to %I', copy, leaf);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, leaf, uuid_at_day(of_day), uuid_at_day(of_day + 1));
  execute format('alter table %I drop constraint day', leaf);
  update retention_day d set copy_xmin = null, looked_on = today where d.parent = swap_kept.parent and d.day = of_day;
  return true;
end
$$;

-- Rows outside of all days, of ids from a clock that was wrong: the time of acceptance decides.
create function delete_from_default(parent text, key text, is_content boolean, today date, most integer) returns integer language plpgsql as $$
declare
  deleted integer;
begin
  execute format($q$
    delete from %1$I where ctid = any (array(
      select d.ctid from %1$I d
      left join tenant_retention() r on r.tenant_id = d.tenant_id
      left join message m on m.tenant_id = d.tenant_id and m.id = d.%2$I
      where coalesce((m.created_at at time zone 'utc')::date, '-infinity') < $2 - coalesce(case when $1 then r.content_days else r.record_days end, 0)
        and (m.id is not null or d.%2$I < uuid_at_day($2 - coalesce(case when $1 then r.content_days else r.record_days end, 0)))
        and not exists (select from outbox o where o.message_id = d.%2$I)
      limit $3))
  $q$, parent || '_default', key) using is_content, today, most;
  get diagnostics deleted = row_count;
  return deleted;
end
$$;

-- Does one step of retention, which is one transaction; `did` says which. Any process may do the next one, whatever became of the one before:
-- everything that a step needs stands in the catalogue. `skipped` are tables that were busy too often in this run.
create function retain_step(today date, skipped text[],
  out did text, out of_table text, out of_day date, out done_rows bigint) language plpgsql as $$
declare
  -- More rows that stay are looked at for too long while the day is locked.
  most constant integer := most_copied();
  batch constant integer := 2000;
  d record;
  j record;
begin
  done_rows := 0;
  did := 'nothing';
  if not pg_try_advisory_xact_lock(hashtext('lettergate.retention')) then did := 'elsewhere'; return; end if;
  -- Senders wait behind a lock that waits.
  perform set_config('lock_timeout', '50ms', true);
  perform set_config('enable_seqscan', 'on', true);

  select c.relname into of_table from pg_class c, retention_tables() t
  where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and not c.relispartition
    and c.relname ~ ('^' || t.parent || '_[0-9]{8}_gone$') and not c.relname = any (skipped)
  order by 1 limit 1;
  if found then
    of_day := to_date(substring(of_table from '_([0-9]{8})_gone$'), 'YYYYMMDD');
    begin
      execute format('drop table %I', of_table);
      did := 'dropped';
    exception when lock_not_available or deadlock_detected then did := 'busy';
    end;
    return;
  end if;

  for d in
    select r.*, s.looked_on, to_regclass(quote_ident(r.leaf || '_kept')) is not null as has_copy
    from retention_days() r left join retention_day s on s.parent = r.parent and s.day = r.day
    where not r.leaf = any (skipped)
      and (s.looked_on is distinct from today or to_regclass(quote_ident(r.leaf || '_kept')) is not null)
      and r.day < today - (select coalesce(min(case when r.is_content then k.content_days else k.record_days end), 1) from tenant_retention() k)
    order by r.place, r.day
  loop
    of_table := d.leaf;
    of_day := d.day;
    begin
      if d.has_copy then
        if swap_kept(d.parent, d.leaf, d.key, d.is_content, d.day, today, most) then
          did := 'swapped';
          return;
        end if;
        -- Undoes the detachment.
        raise exception using errcode = 'LG001';
      end if;
      j := judge_day(d.leaf, d.key, d.is_content, d.day, today, most);
      if cardinality(j.expired) > 0 then
        if j.kept_rows = 0 and cardinality(j.named) = 0 then
          execute format('alter table %I detach partition %I', d.parent, d.leaf);
          -- Somebody may have written before the lock was had.
          j := judge_day(d.leaf, d.key, d.is_content, d.day, today, most);
          if coalesce(j.kept_rows, 0) > 0 or cardinality(j.kept) > 0 or cardinality(j.named) > 0 then raise exception using errcode = 'LG001'; end if;
          execute format('alter table %I rename to %I', d.leaf, d.leaf || '_gone');
          delete from retention_day s where s.parent = d.parent and s.day = d.day;
          did := 'detached';
          return;
        elsif is_copied(d.leaf, j.kept_rows, j.all_rows) then
          done_rows := copy_kept(d.parent, d.leaf, d.key, d.day, j.kept, j.named);
          did := 'copied';
          return;
        end if;
        execute format('delete from %1$I where ctid = any (array(select ctid from %1$I where tenant_id = any ($1) and not %2$I = any ($2) limit $3))',
          d.leaf, d.key) using j.expired, j.named, case when d.parent like '%\_chunk' then batch / 10 else batch end;
        get diagnostics done_rows = row_count;
        if done_rows > 0 then did := 'deleted'; return; end if;
      elsif cardinality(j.kept) = 0 and d.day < today - (select coalesce(max(record_days), 1) from tenant_retention()) then
        execute format('alter table %I detach partition %I', d.parent, d.leaf);
        execute format('alter table %I rename to %I', d.leaf, d.leaf || '_gone');
        delete from retention_day s where s.parent = d.parent and s.day = d.day;
        did := 'detached';
        return;
      end if;
      insert into retention_day (parent, day, looked_on) values (d.parent, d.day, today)
      on conflict on constraint retention_day_pkey do update set looked_on = excluded.looked_on;
      did := 'looked';
      return;
    exception
      -- A step that takes too long counts as busy, so that the other days go on.
      when lock_not_available or deadlock_detected or query_canceled then did := 'busy'; return;
      when sqlstate 'LG001' then
        execute format('drop table if exists %I', d.leaf || '_kept');
        did := 'again';
        return;
    end;
  end loop;

  for d in select * from retention_tables() order by is_content desc, place desc loop
    of_table := d.parent || '_default';
    of_day := null;
    done_rows := delete_from_default(d.parent, d.key, d.is_content, today, 500);
    if done_rows > 0 then did := 'deleted'; return; end if;
  end loop;
  of_table := null;
end
$$;

-- For people: what the next run would do, without doing it.
create function preview_retention(today date)
returns table (parent text, day date, bytes bigint, all_rows bigint, kept_rows integer, action text) language plpgsql stable as $$
declare
  d record;
  j record;
begin
  for d in
    select r.* from retention_days() r
    where r.day < today - (select coalesce(min(case when r.is_content then k.content_days else k.record_days end), 1) from tenant_retention() k)
    order by r.day, r.place
  loop
    j := judge_day(d.leaf, d.key, d.is_content, d.day, today, most_copied());
    continue when cardinality(j.expired) = 0;
    parent := d.parent;
    day := d.day;
    bytes := pg_total_relation_size(to_regclass(d.leaf));
    all_rows := j.all_rows;
    kept_rows := j.kept_rows;
    action := case when j.kept_rows = 0 and cardinality(j.named) = 0 then 'drop'
                   when is_copied(d.leaf, j.kept_rows, j.all_rows) then 'copy what stays, drop the rest'
                   else 'delete rows' end;
    return next;
  end loop;
end
$$;

do $$
declare
  f text;
begin
  foreach f in array array['retain_step(date, text[])', 'preview_retention(date)'] loop
    execute format('alter function %s security definer set search_path = %I, pg_temp', f, current_schema());
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to lettergate_batch', f);
  end loop;
  foreach f in array array['judge_day(text, text, boolean, date, date, integer)', 'copy_kept(text, text, text, date, uuid[], uuid[])',
    'swap_kept(text, text, text, boolean, date, date, integer)', 'delete_from_default(text, text, boolean, date, integer)'] loop
    execute format('revoke execute on function %s from public', f);
  end loop;
end
$$;

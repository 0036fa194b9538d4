-- Registrations of Mailgun and SES held the URL that the provider calls, with its secret token: in plain text here, in the log of changes, and in
-- exports. A hash of the token stands for it (packages/core/src/provider-events/registered-urls.ts); the URL itself is sealed.
create function pg_temp.hidden(registration jsonb) returns jsonb language sql immutable as $$
  select case when registration ->> 'url' like '%/v1/hooks/%' then registration || jsonb_build_object('url',
    'token-sha256:' || encode(sha256(convert_to(regexp_replace(registration ->> 'url', '^.*/', ''), 'UTF8')), 'hex'))
  else registration end
$$;
alter table hook disable trigger audit;
update hook set registration = pg_temp.hidden(registration::jsonb)::json,
  old_registrations = (select jsonb_agg(one || jsonb_build_object('registration', pg_temp.hidden(one -> 'registration')))::json
                       from jsonb_array_elements(old_registrations::jsonb) one)
where registration::text like '%/v1/hooks/%' or old_registrations::text like '%/v1/hooks/%';
alter table hook enable trigger audit;
update audit_log set
  before = case when before ? 'registration' then before || jsonb_build_object('registration', pg_temp.hidden(before -> 'registration')) else before end,
  after = case when after ? 'registration' then after || jsonb_build_object('registration', pg_temp.hidden(after -> 'registration')) else after end
where target = 'hook' and (before::text like '%/v1/hooks/%' or after::text like '%/v1/hooks/%');

-- Requests of providers are taken tenant by tenant.
create index provider_event_due_tenant on provider_event_due (tenant_id, due_at);
drop index provider_event_due_at;

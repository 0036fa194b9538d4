-- Events of providers are compared with the time of a tenant's retry: one about an attempt before it must not end the retry.
grant select (at) on event to lettergate_batch;

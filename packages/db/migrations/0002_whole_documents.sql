-- The content document now carries everything that a first hand-off needs, so a worker reads two rows instead of five.
-- Time of acceptance; null once something was recorded of the message (its recipients must then be read from their table),
-- and for messages accepted before this migration.
alter table outbox add column accepted_at timestamptz;

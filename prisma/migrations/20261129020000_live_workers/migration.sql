-- Says which worker had a claim in hand: while one of its sessions holds its lock, the worker lives and no message is accused.
-- Rows of the version before name no worker, and accuse nobody.
alter table claim_in_hand add column worker int4;

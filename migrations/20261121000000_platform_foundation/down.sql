drop table idempotency_keys, outbox_handled, outbox;
drop schema app cascade;

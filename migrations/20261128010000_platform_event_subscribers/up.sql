-- Several domains hear the payment provider's events: each event says who has still to hear it. Null: a server of before kept it, and the sweep
-- finds out who has to. Whoever hears it last makes it done.
alter table webhook_events add column waiting_for text[] check (array_position(waiting_for, null) is null);
